/* URLs: which are cameras, and that no password of one is ever printed. */
#include "unit/test.h"

#include <string.h>

#include "avlog.h"
#include "base/log.h"
#include "ingest/ingest.h"
#include "schema/camera.h"
#include "url.h"

#include <libavutil/log.h>

static void test_redacted(void **state)
{
    static const char *const pairs[][2] = {
        {"rtsp://admin:secret@10.0.0.1:554/1", "rtsp://***@10.0.0.1:554/1"},
        {"rtsp://admin@10.0.0.1/1", "rtsp://***@10.0.0.1/1"},
        {"rtsp://admin:p@ss@w0rd@cam/1", "rtsp://***@cam/1"},
        {"rtsp://admin:pa/ss@cam/1", "rtsp://***@cam/1"},
        {"rtsp://cam.example:8554/live@2", "rtsp://cam.example:8554/live@2"},
        {"rtsp://[::1]:8554/1", "rtsp://[::1]:8554/1"},
        {"http://cam/video?user=admin&password=secret&ch=1",
         "http://cam/video?user=***&password=***&ch=1"},
        {"rtsp://cam/user=admin_password=secret_channel=1.sdp", "rtsp://cam/user=***"},
        {"/clips/a b.mp4", "/clips/a b.mp4"},
        {"lost 'rtsp://u:p@cam/1': refused, tcp://u:p@cam: too",
         "lost 'rtsp://***@cam/1': refused, tcp://***@cam: too"},
        {"", ""},
    };
    char got[CB_URL_LEN];
    (void) state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        cb_ingest_redact_url(pairs[i][0], got, sizeof got);
        assert_string_equal(got, pairs[i][1]);
    }
    cb_ingest_redact_url("rtsp://a:b@camera.example/1", got, 8); /* cut, never overrun */
    assert_string_equal(got, "rtsp://");
}

static char lines[4096];

static void collect(void *self, enum cb_level level, const char *topic, const char *id,
                    const char *text)
{
    (void) self, (void) level, (void) topic, (void) id;
    strncat(lines, text, sizeof lines - strlen(lines) - 1);
}

static void test_libav_lines_are_redacted(void **state)
{
    (void) state;
    cb_avlog_install();
    cb_log_set_sink(collect, NULL);
    cb_log_set_max(CB_LOG_DEBUG);
    av_log(NULL, AV_LOG_ERROR, "Failed to resolve rtsp://admin:hush@cam/1\n");
    cb_log_set_sink(NULL, NULL);
    assert_non_null(strstr(lines, "rtsp://***@cam/1"));
    assert_null(strstr(lines, "hush"));
    assert_string_equal(cb_avlog_last(), "Failed to resolve rtsp://***@cam/1");
}

static void test_live(void **state)
{
    static const char *const live[] = {"rtsp://c/1", "RTSPS://c/1", "udp://0.0.0.0:1", "rtp://c:1",
                                       "srt://c:1", "http://c/mjpg/video.cgi", "https://c/x.m3u8"};
    static const char *const recorded[] = {"/a/b.mp4", "b.mp4", "file:///a/b.mp4", "a:b.mp4",
                                           "http://c/a.mp4?x=1", "https://c/a.WAV", "x://c/1"};
    (void) state;
    for (size_t i = 0; i < sizeof live / sizeof live[0]; i++)
        assert_true(cb_ingest_is_live_url(live[i]));
    for (size_t i = 0; i < sizeof recorded / sizeof recorded[0]; i++)
        assert_false(cb_ingest_is_live_url(recorded[i]));
}

static void test_path(void **state)
{
    (void) state;
    assert_string_equal(cb_url_path("a:b.mp4"), "a:b.mp4");
    assert_string_equal(cb_url_path("concat:a|b"), "concat:a|b"); /* a name, no protocol */
    assert_string_equal(cb_url_path("file:///x/y.mp4"), "/x/y.mp4");
    assert_string_equal(cb_url_path("file:y.mp4"), "y.mp4");
    assert_null(cb_url_path("rtsp://c/1"));
    assert_null(cb_url_kind("gopher://c/1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_redacted),
        cmocka_unit_test(test_libav_lines_are_redacted),
        cmocka_unit_test(test_live),
        cmocka_unit_test(test_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
