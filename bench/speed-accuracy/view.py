"""Where a technician hangs the camera and what he has it look at: the zone fills the picture."""
import math

FILL = 0.94          # of the picture's half width or height
TOP_M = 1.6          # what stands on the zone is to be seen to that height
WIDEST = 0.55        # focal length over the picture's width: 85 degrees across
PX_PER_M_ALONG = 2.5  # at the zone's far end, the least that is worth measuring


def axes(pan, tilt):
    forward = (math.sin(pan) * math.cos(tilt), math.cos(pan) * math.cos(tilt), -math.sin(tilt))
    right = (math.cos(pan), -math.sin(pan), 0.0)
    down = (forward[1] * right[2] - forward[2] * right[1],
            forward[2] * right[0] - forward[0] * right[2],
            forward[0] * right[1] - forward[1] * right[0])
    return forward, right, down


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def bounds(eye, pan, tilt, points):
    """(left, right, top, bottom) of the points in units of the focal length; None when behind."""
    forward, right, down = axes(pan, tilt)
    xs, ys = [], []
    for p in points:
        q = tuple(a - b for a, b in zip(p, eye))
        depth = dot(q, forward)
        if depth < 0.5:
            return None
        xs.append(dot(q, right) / depth)
        ys.append(dot(q, down) / depth)
    return min(xs), max(xs), min(ys), max(ys)


def frame(eye, points, width, height):
    """(pan_deg, tilt_deg, focal_px) that put all the points into the picture, centred."""
    middle = [sum(p[i] for p in points) / len(points) - eye[i] for i in range(3)]
    pan = math.atan2(middle[0], middle[1])
    tilt = math.atan2(-middle[2], math.hypot(middle[0], middle[1]))
    box = None
    for _ in range(40):
        box = bounds(eye, pan, tilt, points)
        if not box:
            raise ValueError("a point behind the camera")
        pan += 0.7 * math.atan((box[0] + box[1]) / 2)
        tilt += 0.7 * math.atan((box[2] + box[3]) / 2)
    focal = FILL * min(width / (box[1] - box[0]), height / (box[3] - box[2]))
    return math.degrees(pan), math.degrees(tilt), focal


def zone_points(left, right, y_min, y_max):
    return [(x, y, z) for x in (left, right) for y in (y_min, y_max) for z in (0.0, TOP_M)]


def px_per_m_along(eye, pan_deg, tilt_deg, focal, x, y):
    """How many pixels a step of a metre along the road takes there."""
    a, b = (bounds(eye, math.radians(pan_deg), math.radians(tilt_deg), [(x, y + d, 0.0)])
            for d in (-0.5, 0.5))
    return focal * math.hypot(a[0] - b[0], a[2] - b[2])


def stand(angle_deg, height_m, length_m, left, right, aside, back_m):
    """(eye, y_min): over the road or at its kerb for views along it, beside it for all others."""
    middle = (left + right) / 2
    if angle_deg < 15:  # from a gantry or a pole at the kerb
        eye_x = middle + (right - left + 3) * (aside - 0.5)
        return (eye_x, 0.0, height_m), height_m * (1.5 + 0.5 * aside) + 2 + back_m
    beside = 3 + 4 * aside + 9 * max(0.0, math.sin(math.radians(angle_deg)) - 0.5) + back_m
    eye_x = left - beside if aside * 997 % 1 < 0.5 else right + beside
    y_mid = abs(middle - eye_x) / math.tan(math.radians(angle_deg))
    return (eye_x, 0.0, height_m), y_mid - length_m / 2


def place(angle_deg, height_m, length_m, left, right, aside, size):
    """The camera and the zone for one view.

    angle_deg: wanted between the road and the line from the camera to the zone's middle; 0 is
    along the road, 90 across it. aside: [0, 1), where over the road or how far beside it. The
    camera moves back until no lens wider than WIDEST is needed; the zone is shortened until its
    far end is seen well enough. Returns (eye, y_min, y_max, pan_deg, tilt_deg, focal_px).
    """
    back_m = 0.0
    while True:
        eye, y_min = stand(angle_deg, height_m, length_m, left, right, aside, back_m)
        y_max = y_min + length_m
        try:
            pan, tilt, focal = frame(eye, zone_points(left, right, y_min - 1.5, y_max + 1.5), *size)
        except ValueError:
            focal = 0.0
        if focal < WIDEST * size[0]:
            back_m += 1
            continue
        far = max((y_min, y_max), key=abs)
        far_x = left if abs(left - eye[0]) > abs(right - eye[0]) else right
        if length_m <= 14 or px_per_m_along(eye, pan, tilt, focal, far_x, far) >= PX_PER_M_ALONG:
            return eye, y_min, y_max, pan, tilt, focal
        length_m -= 1
