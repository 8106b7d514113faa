/* The axis of capture times: what time stamps do to it, and what is kept as it is. */
#include "unit/test.h"

#include "base/clock.h"
#include "clock.h"
#include "reconnect.h"

#define MS CB_NS_PER_MS
#define S  CB_NS_PER_S

static struct cb_stamp at(int64_t t_ns)
{
    return (struct cb_stamp){.pts_ns = t_ns, .dts_ns = t_ns, .arrival_mono_ns = t_ns};
}

static int64_t map(struct cb_axis *a, enum cb_track_kind kind, int64_t raw_ns, bool *ret_is_break)
{
    struct cb_stamp s = at(raw_ns);
    *ret_is_break = cb_axis_map(a, kind, &s);
    return s.pts_ns;
}

static void test_recording_keeps_its_pts(void **state)
{
    static const int64_t pts[] = {0, 40, 81, 119, 160, 260, 300}; /* ms: jitter and a lost picture */
    struct cb_axis a;
    bool is_break;
    (void) state;
    cb_axis_init(&a, false);
    for (size_t i = 0; i < sizeof pts / sizeof pts[0]; i++) {
        assert_int_equal(map(&a, CB_TRACK_PICTURE, pts[i] * MS, &is_break), pts[i] * MS);
        assert_false(is_break);
    }
    assert_int_equal(a.n_jumps, 0);
}

static void test_real_pause_is_kept_and_told(void **state)
{
    struct cb_axis a;
    bool is_break;
    (void) state;
    cb_axis_init(&a, false);
    map(&a, CB_TRACK_PICTURE, 0, &is_break);
    map(&a, CB_TRACK_PICTURE, 40 * MS, &is_break);
    assert_int_equal(map(&a, CB_TRACK_PICTURE, 10 * S, &is_break), 10 * S);
    assert_true(is_break);
    assert_int_equal(a.n_jumps, 1);
}

static void test_jump_back_goes_on_one_step_later(void **state)
{
    struct cb_axis a;
    bool is_break;
    (void) state;
    cb_axis_init(&a, false);
    for (int i = 0; i < 10; i++)
        map(&a, CB_TRACK_PICTURE, 5 * S + i * 40 * MS, &is_break);
    assert_int_equal(map(&a, CB_TRACK_PICTURE, 0, &is_break), 5 * S + 400 * MS);
    assert_true(is_break);
    assert_int_equal(map(&a, CB_TRACK_PICTURE, 40 * MS, &is_break), 5 * S + 440 * MS);
    assert_false(is_break);
    assert_int_equal(a.n_jumps, 1);
}

static void test_sound_stays_in_step_with_a_jump(void **state)
{
    struct cb_axis a;
    bool is_break;
    int64_t picture = 0, sound = 0;
    (void) state;
    cb_axis_init(&a, false);
    for (int i = 0; i < 50; i++) {
        picture = map(&a, CB_TRACK_PICTURE, i * 40 * MS, &is_break);
        sound = map(&a, CB_TRACK_SOUND, i * 40 * MS, &is_break);
    }
    for (int i = 0; i < 50; i++) { /* both jump back by two seconds, one after the other */
        picture = map(&a, CB_TRACK_PICTURE, i * 40 * MS, &is_break);
        sound = map(&a, CB_TRACK_SOUND, i * 40 * MS, &is_break);
        assert_int_equal(picture, sound);
    }
    assert_int_equal(picture, 2 * S + 49 * 40 * MS);
}

static void test_glitch_of_one_packet_heals(void **state)
{
    static const int64_t pts[] = {0, 40, 80, 120, 160, 20, 240, 280};
    struct cb_axis a;
    bool is_break;
    int64_t last = -1, t = 0;
    (void) state;
    cb_axis_init(&a, false);
    for (size_t i = 0; i < sizeof pts / sizeof pts[0]; i++) {
        t = map(&a, CB_TRACK_PICTURE, pts[i] * MS, &is_break);
        assert_true(t > last);
        last = t;
    }
    assert_int_equal(t, 280 * MS); /* not 460: the glitch leaves no shift */
}

static void test_wrap_of_33_bits_is_no_jump(void **state)
{
    const int64_t period = (INT64_C(1) << 33) * 100000 / 9; /* ns of 2^33 ticks of 90 kHz */
    struct cb_axis a;
    int64_t first = period - 100 * MS;
    (void) state;
    cb_axis_init(&a, false);
    for (int i = 0; i < 10; i++) {
        int64_t raw = (first + i * 40 * MS) % period;
        struct cb_stamp s = at(raw);
        s.wrap_ns = period;
        assert_false(cb_axis_map(&a, CB_TRACK_PICTURE, &s));
        assert_int_equal(s.pts_ns, first + i * 40 * MS);
    }
    assert_int_equal(a.n_jumps, 0);
}

static void test_pts_may_wrap_before_dts(void **state)
{
    const int64_t period = (INT64_C(1) << 33) * 100000 / 9;
    struct cb_axis a;
    struct cb_stamp s = {.dts_ns = period - 20 * MS, .pts_ns = 60 * MS, .wrap_ns = period};
    (void) state;
    cb_axis_init(&a, false);
    assert_false(cb_axis_map(&a, CB_TRACK_PICTURE, &s));
    assert_int_equal(s.pts_ns - s.dts_ns, 80 * MS);
}

static void test_reordered_pictures_without_dts_are_no_jump(void **state)
{
    static const int64_t pts[] = {0, 160, 80, 40, 120, 320, 240, 200, 280};
    struct cb_axis a;
    (void) state;
    cb_axis_init(&a, true);
    for (size_t i = 0; i < sizeof pts / sizeof pts[0]; i++) {
        struct cb_stamp s = {.pts_ns = pts[i] * MS, .dts_ns = CB_NO_TIME, .may_be_reordered = true,
                             .arrival_mono_ns = (int64_t) i * 40 * MS};
        assert_false(cb_axis_map(&a, CB_TRACK_PICTURE, &s));
        assert_int_equal(s.pts_ns, pts[i] * MS);
    }
}

static void test_axis_goes_on_over_a_reconnect(void **state)
{
    struct cb_axis a;
    bool is_break;
    (void) state;
    cb_axis_init(&a, true);
    for (int i = 0; i <= 50; i++)
        map(&a, CB_TRACK_PICTURE, i * 40 * MS, &is_break);
    cb_axis_reconnect(&a);
    struct cb_stamp s = at(900 * S); /* another epoch, seven seconds later */
    s.arrival_mono_ns = 9 * S;
    assert_true(cb_axis_map(&a, CB_TRACK_PICTURE, &s));
    assert_int_equal(s.pts_ns, 9 * S);
    struct cb_stamp sound = at(900 * S + 20 * MS);
    sound.arrival_mono_ns = 9 * S + 500 * MS; /* late on the way, not in time */
    assert_true(cb_axis_map(&a, CB_TRACK_SOUND, &sound));
    assert_int_equal(sound.pts_ns, 9 * S + 20 * MS);
}

static void test_outputs_strictly_increase(void **state)
{
    static const int64_t in[] = {0, 40, 40, 80, CB_NO_TIME, 160, 159, 200};
    struct cb_order o = {0};
    int64_t last = -1;
    int n_mended = 0;
    (void) state;
    for (size_t i = 0; i < sizeof in / sizeof in[0]; i++) {
        bool is_mended;
        int64_t t = cb_order_next(&o, in[i] == CB_NO_TIME ? CB_NO_TIME : in[i] * MS, &is_mended);
        assert_true(t > last);
        last = t;
        n_mended += is_mended;
    }
    assert_int_equal(n_mended, 3);
    assert_int_equal(last, 200 * MS); /* mending leaves no shift behind */
}

static void test_utc_by_arrival_takes_the_quickest(void **state)
{
    static const int64_t latency_ms[] = {900, 400, 60, 35, 80, 33, 200};
    struct cb_utc_map m;
    (void) state;
    cb_utc_map_init(&m);
    for (size_t i = 0; i < sizeof latency_ms / sizeof latency_ms[0]; i++) {
        int64_t t = (int64_t) i * 40 * MS;
        cb_utc_map_arrival(&m, t, t + latency_ms[i] * MS, 1000 * S + t + latency_ms[i] * MS);
    }
    assert_int_equal(m.source, CB_TIME_ARRIVAL);
    assert_int_equal(m.offset_ns, 1000 * S + 33 * MS);
}

static void test_utc_by_sender_reports(void **state)
{
    const int64_t utc = INT64_C(1700000000) * S, wrap = (INT64_C(1) << 32) * 100000 / 9;
    struct cb_utc_map m;
    (void) state;
    cb_utc_map_init(&m);
    cb_utc_map_arrival(&m, 5 * S, 5 * S, utc);
    assert_true(cb_utc_map_rtcp(&m, 5 * S, utc - 80 * MS, wrap, utc));
    assert_int_equal(m.source, CB_TIME_RTCP);
    assert_int_equal(m.offset_ns, utc - 80 * MS - 5 * S);
    /* after the RTP time stamp has wrapped, libav's report is a whole period off */
    assert_true(cb_utc_map_rtcp(&m, 5 * S, utc - 80 * MS - wrap, wrap, utc));
    assert_int_equal(m.offset_ns, utc - 80 * MS - 5 * S);
    /* a camera that sends its local time, or a summer's: arrival it is */
    assert_false(cb_utc_map_rtcp(&m, 5 * S, utc + 3600 * S, wrap, utc));
    assert_int_equal(m.source, CB_TIME_ARRIVAL);
}

static void test_backoff_grows_and_comes_back(void **state)
{
    struct cb_backoff b;
    int64_t sum = 0;
    (void) state;
    cb_backoff_init(&b, 0.5, 8, 7);
    static const double due_s[] = {0.5, 1, 2, 4, 8, 8, 8};
    for (size_t i = 0; i < sizeof due_s / sizeof due_s[0]; i++) {
        int64_t wait = cb_backoff_next_ns(&b);
        assert_in_range(wait, cb_ns_from_s(due_s[i] / 2), cb_ns_from_s(due_s[i]));
        sum += wait != cb_ns_from_s(due_s[i] / 2) && wait != cb_ns_from_s(due_s[i]);
    }
    assert_true(sum > 3); /* jitter there is */
    cb_backoff_lasted(&b, 1 * S); /* a connection that dies at once heals nothing */
    assert_in_range(cb_backoff_next_ns(&b), 4 * S, 8 * S);
    cb_backoff_lasted(&b, 60 * S);
    assert_in_range(cb_backoff_next_ns(&b), 250 * MS, 500 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recording_keeps_its_pts),
        cmocka_unit_test(test_real_pause_is_kept_and_told),
        cmocka_unit_test(test_jump_back_goes_on_one_step_later),
        cmocka_unit_test(test_sound_stays_in_step_with_a_jump),
        cmocka_unit_test(test_glitch_of_one_packet_heals),
        cmocka_unit_test(test_wrap_of_33_bits_is_no_jump),
        cmocka_unit_test(test_pts_may_wrap_before_dts),
        cmocka_unit_test(test_reordered_pictures_without_dts_are_no_jump),
        cmocka_unit_test(test_axis_goes_on_over_a_reconnect),
        cmocka_unit_test(test_outputs_strictly_increase),
        cmocka_unit_test(test_utc_by_arrival_takes_the_quickest),
        cmocka_unit_test(test_utc_by_sender_reports),
        cmocka_unit_test(test_backoff_grows_and_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
