#ifndef SCHEMA_ROAD_USER_H
#define SCHEMA_ROAD_USER_H

enum cb_road_user {
    CB_UNKNOWN,
    CB_CAR,
    CB_TRUCK,
    CB_BUS,
    CB_MOTORCYCLE,
    CB_BICYCLE,
    CB_PEDESTRIAN,
    CB_ROAD_USER_COUNT
};

/** "car", as in records and in city.yaml. */
const char *cb_road_user_name(enum cb_road_user u);

#endif
