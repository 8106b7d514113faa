/* The example of RFC 8291, 5 and appendix A, byte for byte; what is no key; which services may be sent to.
 * tests/e2e/test_push.py has the rest, taken apart by another library. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "hash/webpush.h"
#include "schema/push.h"
#include "test.h"

#define P256DH "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
#define AUTH "BTBZMqHH6r4Tts7J_aSIgg"

static void read(const char *text, unsigned char *ret, size_t n)
{
    size_t got;
    assert_int_equal(sodium_base642bin(ret, n, text, strlen(text), NULL, &got, NULL,
                                       sodium_base64_VARIANT_URLSAFE_NO_PADDING), 0);
    assert_int_equal(got, n);
}

static void test_example_of_the_standard(void **state)
{
    (void) state;
    static const char text[] = "When I grow up, I want to be a watermelon";
    static const char expected[] =
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8"
        "wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
    struct cb_push_keys to;
    struct cb_push_chance chance;
    struct cb_error e = {0};
    unsigned char message[CB_PUSH_MESSAGE_MAX];
    char printed[sizeof expected];
    size_t n = 0;
    assert_int_equal(cb_push_keys_parse(P256DH, AUTH, &to, &e), 0);
    read("DGv6ra1nlYgDCS1FRnbzlw", chance.salt, sizeof chance.salt);
    read("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw", chance.secret, sizeof chance.secret);
    assert_int_equal(cb_push_encrypt(&to, text, sizeof text - 1, &chance, message, &n), 0);
    sodium_bin2base64(printed, sizeof printed, message, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    assert_string_equal(printed, expected);
}

static void test_each_message_is_another(void **state)
{
    (void) state;
    static char text[CB_PUSH_TEXT_MAX + 1];
    struct cb_push_keys to;
    unsigned char one[CB_PUSH_MESSAGE_MAX], two[CB_PUSH_MESSAGE_MAX];
    size_t n = 0;
    assert_int_equal(cb_push_keys_parse(P256DH, AUTH, &to, NULL), 0);
    assert_int_equal(cb_push_encrypt(&to, text, CB_PUSH_TEXT_MAX, NULL, one, &n), 0);
    assert_int_equal(n, CB_PUSH_MESSAGE_MAX);
    assert_int_equal(cb_push_encrypt(&to, text, CB_PUSH_TEXT_MAX, NULL, two, &n), 0);
    assert_memory_not_equal(one, two, CB_PUSH_SALT_BYTES);
    assert_memory_not_equal(one + 21, two + 21, CB_P256_PUBLIC_BYTES);
    assert_memory_not_equal(one + 86, two + 86, 100);
    assert_int_equal(cb_push_encrypt(&to, text, CB_PUSH_TEXT_MAX + 1, NULL, one, &n), -EMSGSIZE);
}

static void test_what_is_no_key(void **state)
{
    (void) state;
    static const struct {
        const char *p256dh, *auth, *where;
    } tries[] = {
        {"", AUTH, "p256dh"},
        {"BCVx", AUTH, "p256dh"},
        {P256DH "AA", AUTH, "p256dh"},
        {P256DH "=", AUTH, "p256dh"},
        {"CCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", AUTH, "p256dh"},
        {"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiwA", AUTH, "p256dh"},
        {"BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", AUTH, "p256dh"},
        {P256DH, "", "auth"},
        {P256DH, "BTBZMqHH6r4Tts7J_aSI", "auth"},
        {P256DH, "BTBZMqHH6r4Tts7J/aSIgg", "auth"},
    };
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        struct cb_push_keys k;
        struct cb_error e = {0};
        assert_int_equal(cb_push_keys_parse(tries[i].p256dh, tries[i].auth, &k, &e), -EINVAL);
        assert_string_equal(e.where, tries[i].where);
    }
}

static void test_services(void **state)
{
    (void) state;
    static const char services[] = "https://push.example  https://*.notify.example https://other.example:8443";
    static const struct {
        const char *endpoint;
        bool is_allowed;
    } tries[] = {
        {"https://push.example/send/1", true},     {"https://PUSH.example/send/1", true},
        {"https://push.example", false},           {"http://push.example/1", false},
        {"https://push.example:444/1", false},     {"https://push.example.evil.example/1", false},
        {"https://push.example@evil.example/1", false}, {"https://evil.example/https://push.example/", false},
        {"https://push.example?/1", false},        {"https://push.example\\@evil.example/1", false},
        {"https://a.notify.example/1", true},      {"https://a.b.notify.example/1", true},
        {"https://notify.example/1", false},       {"https://evilnotify.example/1", false},
        {"https://.notify.example/1", false},      {"https://*.notify.example/1", false},
        {"https://a.notify.example:99/1", false},  {"https://evil.example/.notify.example", false},
        {"https://other.example:8443/x", true},    {"https://other.example/x", false},
        {"https://push.example/a b", false},       {"https://push.example/\xe6\xb7\xb1", false},
        {"", false},                               {"push.example/1", false},
    };
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++)
        if (cb_push_service_allows(services, tries[i].endpoint) != tries[i].is_allowed)
            fail_msg("%s: expected %d", tries[i].endpoint, tries[i].is_allowed);
    assert_false(cb_push_service_allows("", "https://push.example/1"));
    assert_int_equal(cb_push_services_check(services, NULL), 0);
    assert_int_equal(cb_push_services_check("http://127.0.0.1:1 http://[::1]:1 http://localhost:1", NULL), 0);
    static const char *const wrong[] = {"push.example", "https://", "https://a.example/", "http://a.example",
                                        "https://*", "https://*.com", "https://a.*.example", "https://u@a.example",
                                        "https://a.example,https://b.example", "https://*.*.example.com"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct cb_error e = {0};
        if (cb_push_services_check(wrong[i], &e) != -EINVAL || !strstr(e.text, wrong[i]))
            fail_msg("%s is taken for a service, or is not named: %s", wrong[i], e.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example_of_the_standard),
        cmocka_unit_test(test_each_message_is_another),
        cmocka_unit_test(test_what_is_no_key),
        cmocka_unit_test(test_services),
    };
    return sodium_init() < 0 || cmocka_run_group_tests(tests, NULL, NULL);
}
