#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli.h"
#include "schema/id.h"
#include "store/history.h"
#include "table.h"

static const char help[] =
    "usage: citybrain query --db CONNINFO [options]\n"
    "\n"
    "Reads the history of violations, the newest first. What was asked is noted in access_log.\n"
    "\n"
    "  --db CONNINFO     libpq's connection string or URI; default: $CITYBRAIN_DB\n"
    "  --kind KIND       speeding, modified_exhaust or chase_racing\n"
    "  --camera ID, --road NAME, --district NAME\n"
    "                    of this place\n"
    "  --severity S      minor, moderate, serious or extreme\n"
    "  --class C         of the vehicle: car, truck, bus, motorcycle, bicycle, pedestrian, unknown\n"
    "  --direction D     toward or away\n"
    "  --review R        new, unclear, confirmed, rejected, issued or withdrawn\n"
    "  --from TIME       at TIME or later: 2026-11-23, or 2026-11-23T10:00:00Z, or with +08:00\n"
    "  --to TIME         before TIME\n"
    "  --min-speed KMH, --max-speed KMH\n"
    "                    measured at least, and less than this fast, km/h\n"
    "  --min-level DB, --max-level DB\n"
    "                    at least, and less than this loud, LAFmax in dB\n"
    "  --plate PLATE     of the vehicle with this plate, where a reviewer has read it\n"
    "  --incident ID     of this incident: vehicles near to each other\n"
    "  --limit N         at most N rows; default 100\n"
    "  --after-row TIME,ID\n"
    "                    the next page: rows older than the one with this occurred_at and id\n"
    "  --format F        table, csv or json (one object a line); default table\n"
    "\n"
    "Exit codes: 0 done, also when nothing was found; 1 the database refuses; 2 wrong usage.\n"
    "\n"
    "Examples:\n"
    "  citybrain query --db dbname=citybrain --kind speeding --min-speed 90\n"
    "  citybrain query --db dbname=citybrain --district 福田 --from 2026-11-01 --format csv\n"
    "  citybrain query --db dbname=citybrain --plate 粤B12345\n";

enum format { TABLE, CSV, JSON };

struct printer {
    enum format format;
    long n_rows;
    bool has_failed;
    char last[96]; /* the row's place: --after-row */
};

/* The table's columns: the rest is for csv and json. */
static const struct column {
    enum cb_history_column column;
    const char *title;
    int width;
} columns[] = {
    {CB_HISTORY_OCCURRED_AT, "time (UTC)", 27}, {CB_HISTORY_CAMERA, "camera", 16},
    {CB_HISTORY_DISTRICT, "district", 10},      {CB_HISTORY_ROAD, "road", 16},
    {CB_HISTORY_KIND, "kind", 16},              {CB_HISTORY_SEVERITY, "severity", 8},
    {CB_HISTORY_CLASS, "class", 10},            {CB_HISTORY_SPEED_KMH, "km/h", 6},
    {CB_HISTORY_UNCERTAINTY_KMH, "±", 4},       {CB_HISTORY_LIMIT_KMH, "limit", 5},
    {CB_HISTORY_LAFMAX_DB, "dB(A)", 6},         {CB_HISTORY_REVIEW, "review", 9},
    {CB_HISTORY_ID, "id", 36},
};

static void print_head(enum format format)
{
    if (format == JSON)
        return;
    if (format == CSV) {
        for (int c = 0; c < CB_HISTORY_COLUMN_COUNT; c++)
            printf("%s%s", c ? "," : "", cb_history_names[c]);
        puts("\r");
        return;
    }
    for (size_t i = 0; i < CB_LEN(columns); i++) {
        cb_table_cell(stdout, columns[i].title, columns[i].width,
                      cb_history_is_number(columns[i].column));
        fputs(i + 1 < CB_LEN(columns) ? "  " : "\n", stdout);
    }
}

static void print_table_row(const char *const row[CB_HISTORY_COLUMN_COUNT])
{
    for (size_t i = 0; i < CB_LEN(columns); i++) {
        const char *text = row[columns[i].column];
        cb_table_cell(stdout, text ? text : "–", columns[i].width,
                      cb_history_is_number(columns[i].column));
        fputs(i + 1 < CB_LEN(columns) ? "  " : "\n", stdout);
    }
}

static void print_csv_row(const char *const row[CB_HISTORY_COLUMN_COUNT])
{
    for (int c = 0; c < CB_HISTORY_COLUMN_COUNT; c++) {
        if (c)
            putchar(',');
        cb_table_csv(stdout, row[c]);
    }
    puts("\r");
}

static void print_json_row(const char *const row[CB_HISTORY_COLUMN_COUNT])
{
    for (int c = 0; c < CB_HISTORY_COLUMN_COUNT; c++) {
        printf("%s\"%s\":", c ? "," : "{", cb_history_names[c]);
        if (row[c] && cb_history_is_number((enum cb_history_column) c))
            fputs(row[c], stdout);
        else
            cb_table_json(stdout, row[c]);
    }
    puts("}");
}

static int print_row(void *arg, const char *const row[CB_HISTORY_COLUMN_COUNT])
{
    struct printer *p = arg;
    p->n_rows++;
    snprintf(p->last, sizeof p->last, "%s,%s", row[CB_HISTORY_OCCURRED_AT], row[CB_HISTORY_ID]);
    if (p->format == TABLE)
        print_table_row(row);
    else if (p->format == CSV)
        print_csv_row(row);
    else
        print_json_row(row);
    p->has_failed = ferror(stdout);
    return p->has_failed ? -EPIPE : 0;
}

static int parse_real(const char *text, double *ret)
{
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end || !isfinite(v))
        return -EINVAL;
    *ret = v;
    return 0;
}

static int parse_limit(const char *text, int *ret)
{
    char *end;
    long v = strtol(text, &end, 10);
    if (end == text || *end || v < 1 || v > 1000000)
        return -EINVAL;
    *ret = (int) v;
    return 0;
}

static int parse_format(const char *text, enum format *ret)
{
    static const char *const names[] = {"table", "csv", "json"};
    for (size_t i = 0; i < CB_LEN(names); i++)
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum format) i;
            return 0;
        }
    return -EINVAL;
}

static int is_one_of(const char *text, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(text, *names) == 0)
            return 0;
    return -EINVAL;
}

struct request {
    const char *db;
    struct cb_history_query query;
    enum format format;
    char after_time[64];
};

/* Numbers, not letters: more of them than an alphabet remembers. */
enum option_id {
    DB, KIND, CAMERA, ROAD, DISTRICT, SEVERITY, CLASS, DIRECTION, REVIEW, FROM, TO, MIN_SPEED,
    MAX_SPEED, MIN_LEVEL, MAX_LEVEL, PLATE, INCIDENT, LIMIT, AFTER_ROW, FORMAT, N_OPTIONS
};
static const struct option options[] = {
    {"db", required_argument, NULL, DB},
    {"kind", required_argument, NULL, KIND},
    {"camera", required_argument, NULL, CAMERA},
    {"road", required_argument, NULL, ROAD},
    {"district", required_argument, NULL, DISTRICT},
    {"severity", required_argument, NULL, SEVERITY},
    {"class", required_argument, NULL, CLASS},
    {"direction", required_argument, NULL, DIRECTION},
    {"review", required_argument, NULL, REVIEW},
    {"from", required_argument, NULL, FROM},
    {"to", required_argument, NULL, TO},
    {"min-speed", required_argument, NULL, MIN_SPEED},
    {"max-speed", required_argument, NULL, MAX_SPEED},
    {"min-level", required_argument, NULL, MIN_LEVEL},
    {"max-level", required_argument, NULL, MAX_LEVEL},
    {"plate", required_argument, NULL, PLATE},
    {"incident", required_argument, NULL, INCIDENT},
    {"limit", required_argument, NULL, LIMIT},
    {"after-row", required_argument, NULL, AFTER_ROW},
    {"format", required_argument, NULL, FORMAT},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int parse_after_row(struct request *q, const char *text)
{
    const char *comma = strchr(text, ',');
    if (!comma || (size_t) (comma - text) >= sizeof q->after_time || !cb_uuid_is_valid(comma + 1))
        return -EINVAL;
    snprintf(q->after_time, sizeof q->after_time, "%.*s", (int) (comma - text), text);
    q->query.before_id = comma + 1;
    return cb_cli_parse_time(q->after_time, &q->query.before_utc_ns);
}

/* One of a few words, or any text. */
static int set_text(struct cb_history_query *q, int o, const char **ret_expected)
{
    static const char *const kinds[] = {"speeding", "modified_exhaust", "chase_racing", NULL};
    static const char *const severities[] = {"minor", "moderate", "serious", "extreme", NULL};
    static const char *const classes[] = {"car", "truck", "bus", "motorcycle", "bicycle",
                                           "pedestrian", "unknown", NULL};
    static const char *const directions[] = {"toward", "away", NULL};
    static const char *const reviews[] = {"new", "unclear", "confirmed", "rejected", "issued",
                                           "withdrawn", NULL};
    const struct {
        const char **to;
        const char *const *words; /* NULL: any */
        const char *expected;
    } texts[N_OPTIONS] = {
        [CAMERA] = {&q->camera, NULL, NULL},
        [ROAD] = {&q->road, NULL, NULL},
        [DISTRICT] = {&q->district, NULL, NULL},
        [PLATE] = {&q->plate, NULL, NULL},
        [INCIDENT] = {&q->incident, NULL, NULL},
        [KIND] = {&q->kind, kinds, "--kind: speeding, modified_exhaust or chase_racing"},
        [SEVERITY] = {&q->severity, severities, "--severity: minor, moderate, serious or extreme"},
        [CLASS] = {&q->road_user, classes,
                   "--class: car, truck, bus, motorcycle, bicycle, pedestrian or unknown"},
        [DIRECTION] = {&q->direction, directions, "--direction: toward or away"},
        [REVIEW] = {&q->review, reviews,
                    "--review: new, unclear, confirmed, rejected, issued or withdrawn"},
    };
    if (!texts[o].to)
        return -ENOENT;
    *texts[o].to = optarg;
    *ret_expected = texts[o].expected;
    return texts[o].words ? is_one_of(optarg, texts[o].words) : 0;
}

static int set_number(struct cb_history_query *q, int o, const char **ret_expected)
{
    switch (o) {
    case FROM:
        *ret_expected = "--from: a time as 2026-11-23 or 2026-11-23T10:00:00Z";
        return cb_cli_parse_time(optarg, &q->from_utc_ns);
    case TO:
        *ret_expected = "--to: a time as 2026-11-23 or 2026-11-23T10:00:00Z";
        return cb_cli_parse_time(optarg, &q->to_utc_ns);
    case MIN_SPEED:
        *ret_expected = "--min-speed: a number, km/h";
        return parse_real(optarg, &q->min_speed_kmh);
    case MAX_SPEED:
        *ret_expected = "--max-speed: a number, km/h";
        return parse_real(optarg, &q->max_speed_kmh);
    case MIN_LEVEL:
        *ret_expected = "--min-level: a number, dB";
        return parse_real(optarg, &q->min_level_db);
    case MAX_LEVEL:
        *ret_expected = "--max-level: a number, dB";
        return parse_real(optarg, &q->max_level_db);
    default:
        *ret_expected = "--limit: a whole number from 1 to 1000000";
        return parse_limit(optarg, &q->limit);
    }
}

/* @return 0; -EINVAL: *ret_expected says what */
static int set_option(struct request *q, int o, const char **ret_expected)
{
    int r;
    switch (o) {
    case DB:
        q->db = optarg;
        return 0;
    case FORMAT:
        *ret_expected = "--format: table, csv or json";
        return parse_format(optarg, &q->format);
    case AFTER_ROW:
        *ret_expected = "--after-row: occurred_at and id of a row, parted by a comma";
        return parse_after_row(q, optarg);
    default:
        r = set_text(&q->query, o, ret_expected);
        return r == -ENOENT ? set_number(&q->query, o, ret_expected) : r;
    }
}

static int run(const struct request *q)
{
    struct printer p = {.format = q->format};
    struct cb_error e = {0};
    print_head(q->format);
    int r = cb_history_read(q->db, &q->query, print_row, &p, &e);
    if (r < 0 && !p.has_failed)
        fprintf(stderr, "citybrain query: %s: %s\n", e.where, e.text);
    else if (r == 0 && q->format == TABLE)
        printf("%ld row%s%s%s\n", p.n_rows, p.n_rows == 1 ? "" : "s",
               p.n_rows == q->query.limit ? ", what is older: --after-row " : "",
               p.n_rows == q->query.limit ? p.last : "");
    return r < 0 ? CB_EXIT_FAILED : CB_EXIT_OK;
}

int cb_cli_query(int argc, char **argv)
{
    struct request q = {.db = getenv("CITYBRAIN_DB"), .query = cb_history_any, .format = TABLE};
    for (int o; (o = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        const char *expected = NULL;
        if (o == 'h' || o == '?')
            return fputs(help, o == 'h' ? stdout : stderr), o == 'h' ? CB_EXIT_OK : CB_EXIT_USAGE;
        if (set_option(&q, o, &expected) < 0) {
            fprintf(stderr, "citybrain query: '%s': expected %s\n", optarg, expected);
            return CB_EXIT_USAGE;
        }
    }
    if (!q.db || optind < argc) {
        fputs(help, stderr);
        return CB_EXIT_USAGE;
    }
    return run(&q);
}
