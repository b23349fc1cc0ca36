/* What opens /admin, part by part, with the clock passed in. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actors/http/auth/authorize.h"
#include "actors/http/auth/login_throttle.h"
#include "actors/http/auth/admin_auth.h"
#include "tests/support/suite.h"
#include "tests/unit/http/admin_peers.h"

#define NOW_S 1700000000
#define NOW   ((int64_t)NOW_S * 1000)
#define HERE  "00000000-0000-0000-0000-000000000001"
#define THERE "00000000-0000-0000-0000-000000000002"

static struct workspace
workspace(const char *text)
{
    struct workspace self = {.is_known = true};

    ck_assert_int_eq(tm_uuid_parse(text, strlen(text), &self.id), TM_OK);
    return self;
}

static struct client_address
peer(unsigned number)
{
    struct client_address self = {.bytes = {0x20, 0x01, 0x0d, 0xb8}};

    self.bytes[6] = (uint8_t)(number >> 8);
    self.bytes[7] = (uint8_t)number;
    return self;
}

/* --- tickets ------------------------------------------------------------------------------ */

static tm_err_t
read_ticket(const tickets_t *tickets, const char *text, int64_t utc_ms, struct workspace *ret)
{
    return tickets_read(tickets, text, strlen(text), utc_ms, ret);
}

START_TEST(a_ticket_gives_what_it_was_made_for_at_every_bridge_of_one_token)
{
    tickets_t *one = tickets_new("sesame", 300), *other = tickets_new("sesame", 7);
    struct workspace here = workspace(HERE), any = {.is_known = false}, got;
    char text[TICKET_TEXT];

    ck_assert_int_eq(tickets_make(one, &here, NOW + 999, text), NOW + 300000);
    ck_assert_msg(strncmp(text, "v1.1700000300." HERE ".", 51) == 0, "%s", text);
    ck_assert_int_eq(read_ticket(other, text, NOW, &got), TM_OK);
    ck_assert(got.is_known && tm_uuid_is(&got.id, &here.id));
    tickets_make(one, &any, NOW, text);
    ck_assert_msg(strncmp(text, "v1.1700000300.-.", 16) == 0, "%s", text);
    ck_assert_int_eq(read_ticket(other, text, NOW, &got), TM_OK);
    ck_assert(!got.is_known);
    tickets_destroy(&one);
    tickets_destroy(&other);
}
END_TEST

START_TEST(a_ticket_of_another_token_or_of_none_is_forged)
{
    tickets_t *tickets[] = {tickets_new("sesame", 300), tickets_new("sesame2", 300),
                            tickets_new("", 300), tickets_new("", 300)};
    struct workspace any = {.is_known = false}, got = workspace(THERE);
    char text[TICKET_TEXT];

    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++) {
            tickets_make(tickets[i], &any, NOW, text);
            ck_assert_int_eq(read_ticket(tickets[j], text, NOW, &got),
                             i == j ? TM_OK : TM_FORBIDDEN);
        }
    for (size_t i = 0; i < 4; i++)
        tickets_destroy(&tickets[i]);
}
END_TEST

START_TEST(a_ticket_ends_at_its_expiry)
{
    tickets_t *tickets = tickets_new("sesame", 300);
    struct workspace here = workspace(HERE), got;
    char text[TICKET_TEXT];
    int64_t expiry_ms = tickets_make(tickets, &here, NOW, text);

    ck_assert_int_eq(read_ticket(tickets, text, expiry_ms - 1, &got), TM_OK);
    ck_assert_int_eq(read_ticket(tickets, text, expiry_ms, &got), TM_UNAUTHORIZED);
    tickets_destroy(&tickets);
}
END_TEST

START_TEST(a_ticket_changed_in_any_place_is_forged)
{
    tickets_t *tickets = tickets_new("sesame", 300);
    struct workspace here = workspace(HERE), got;
    char text[TICKET_TEXT], changed[TICKET_TEXT + 1];

    tickets_make(tickets, &here, NOW, text);
    for (size_t i = 0; text[i]; i++) {
        snprintf(changed, sizeof(changed), "%s", text);
        changed[i] = text[i] == '7' ? '8' : '7';
        ck_assert_msg(read_ticket(tickets, changed, NOW, &got) == TM_FORBIDDEN, "%s", changed);
        ck_assert_int_eq(tickets_read(tickets, text, i, NOW, &got), TM_FORBIDDEN);
    }
    snprintf(changed, sizeof(changed), "%s0", text);
    ck_assert_int_eq(read_ticket(tickets, changed, NOW, &got), TM_FORBIDDEN);
    tickets_destroy(&tickets);
}
END_TEST

START_TEST(what_is_no_ticket_is_not_read_as_one)
{
#define MAC "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    static const char *const wrong[] = {
        "",
        MAC,
        "v1.." MAC,
        "v1.x." MAC,
        "v1.5." MAC,
        "v1..-.n." MAC,
        "v1.-5.-.n." MAC,
        "v1.5x.-.n." MAC,
        "v1.5." HERE "." MAC,
        "v1.5.--.n." MAC,
        "v1.5.00000000-0000-0000-0000-00000000000.n." MAC,
        "v1.1234567890123.-.n." MAC,
        "v2.5.-.n." MAC,
    };
    struct workspace got;
    int64_t expiry_ms;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_msg(!ticket_parse(wrong[i], strlen(wrong[i]), &expiry_ms, &got), "%s",
                      wrong[i]);
    ck_assert(ticket_parse("v1.5.-.n." MAC, strlen("v1.5.-.n." MAC), &expiry_ms, &got));
    ck_assert_int_eq(expiry_ms, 5000);
}
END_TEST

/* --- the brake ---------------------------------------------------------------------------- */

static bool
guess(login_throttle_t *brake, unsigned number, uint8_t token, int64_t now_ms)
{
    uint8_t digest[SHA256_SIZE] = {token};
    struct client_address from = peer(number);

    return login_throttle_wrong(brake, &from, digest, true, now_ms);
}

static int64_t
wait_ms(const login_throttle_t *brake, unsigned number, int64_t now_ms)
{
    struct client_address from = peer(number);

    return login_throttle_wait_ms(brake, &from, now_ms);
}

START_TEST(the_tenth_wrong_token_within_a_minute_keeps_its_sender_out_for_one)
{
    login_throttle_t *brake = login_throttle_new();

    for (int i = 1; i < LOGIN_THROTTLE_TRIES; i++)
        ck_assert(!guess(brake, 1, (uint8_t)i, INT64_C(1000) * i));
    ck_assert_int_eq(wait_ms(brake, 1, 9000), 0);
    ck_assert(guess(brake, 1, 10, 10000));
    ck_assert_int_eq(wait_ms(brake, 1, 10000), 60000);
    ck_assert_int_eq(wait_ms(brake, 2, 10000), 0);
    ck_assert_int_eq(wait_ms(brake, 1, 69999), 1);
    ck_assert_int_eq(wait_ms(brake, 1, 70000), 0);
    ck_assert(!guess(brake, 1, 11, 70000));
    ck_assert_int_eq(wait_ms(brake, 1, 70000), 0);
    login_throttle_destroy(&brake);
}
END_TEST

START_TEST(wrong_tokens_that_come_slowly_are_only_wrong)
{
    login_throttle_t *brake = login_throttle_new();

    for (int i = 0; i < 100; i++)
        ck_assert(!guess(brake, 1, (uint8_t)i, INT64_C(7000) * i));
    login_throttle_destroy(&brake);
}
END_TEST

START_TEST(an_old_cookie_sent_again_and_again_is_no_guess)
{
    uint8_t digest[SHA256_SIZE] = {1};
    login_throttle_t *brake = login_throttle_new();
    struct client_address from = peer(1);

    for (int i = 0; i < 100; i++)
        ck_assert(!login_throttle_wrong(brake, &from, digest, false, i));
    for (int i = 1; i < LOGIN_THROTTLE_TRIES; i++) {
        digest[0] = (uint8_t)(i + 1);
        ck_assert_int_eq(login_throttle_wrong(brake, &from, digest, false, i),
                         i + 1 == LOGIN_THROTTLE_TRIES);
    }
    login_throttle_destroy(&brake);
}
END_TEST

START_TEST(a_full_table_forgets_who_has_been_quiet_for_the_longest)
{
    login_throttle_t *brake = login_throttle_new();

    for (int i = 0; i < LOGIN_THROTTLE_TRIES; i++)
        guess(brake, 0, (uint8_t)i, 1);
    for (int i = 0; i < LOGIN_THROTTLE_TRIES; i++)
        guess(brake, 1, (uint8_t)i, 2);
    for (unsigned i = 2; i < LOGIN_THROTTLE_PEERS; i++)
        guess(brake, i, 1, 3);
    ck_assert_int_gt(wait_ms(brake, 0, 3), 0);
    guess(brake, LOGIN_THROTTLE_PEERS, 1, 3);
    ck_assert_int_eq(wait_ms(brake, 0, 3), 0);
    ck_assert_int_gt(wait_ms(brake, 1, 3), 0);
    login_throttle_destroy(&brake);
}
END_TEST

/* --- the gate ----------------------------------------------------------------------------- */

static admin_auth_t *gate;

static void
open_gate(const char *token, bool allows_local)
{
    settings_t *settings = settings_new();

    free(settings->http_admin_token);
    settings->http_admin_token = strdup(token);
    settings->http_allow_localhost_admin = allows_local;
    gate = admin_auth_new(settings);
    settings_destroy(&settings);
}

static void
close_gate(void)
{
    admin_auth_destroy(&gate);
}

static struct admin_auth_claim
claim(const char *header, const char *bearer, const char *cookie)
{
    return (struct admin_auth_claim){.header = tm_str(header),
                                     .bearer = tm_str(bearer),
                                     .cookie = tm_str(cookie),
                                     .ticket = tm_str(NULL),
                                     .is_own_page = true};
}

static admin_auth_verdict_t
judge(struct admin_auth_claim self)
{
    return admin_auth_judge(gate, &self, 0, NOW);
}

START_TEST(the_first_carrier_that_is_not_empty_decides)
{
    open_gate("sesame", true);
    ck_assert_int_eq(judge(claim("sesame", NULL, NULL)), ADMIN_AUTH_OPEN);
    ck_assert_int_eq(judge(claim(NULL, "sesame", NULL)), ADMIN_AUTH_OPEN);
    ck_assert_int_eq(judge(claim(NULL, NULL, "sesame")), ADMIN_AUTH_OPEN);
    ck_assert_int_eq(judge(claim("sesame", "wrong", "wrong")), ADMIN_AUTH_OPEN);
    ck_assert_int_eq(judge(claim("", "sesame", "wrong")), ADMIN_AUTH_OPEN);
    ck_assert_int_eq(judge(claim("wrong", "sesame", "sesame")), ADMIN_AUTH_WRONG);
    ck_assert_int_eq(judge(claim(NULL, "wrong", "sesame")), ADMIN_AUTH_WRONG);
    ck_assert_int_eq(judge(claim("", "", "")), ADMIN_AUTH_MISSING);
    ck_assert_int_eq(judge(claim("sesam", NULL, NULL)), ADMIN_AUTH_WRONG);
    ck_assert_int_eq(judge(claim("sesame ", NULL, NULL)), ADMIN_AUTH_WRONG);
}
END_TEST

START_TEST(without_a_token_only_this_machine_is_let_in_and_only_where_allowed)
{
    struct admin_auth_claim local = claim(NULL, NULL, NULL), remote = claim("", NULL, NULL);

    local.is_local = true;
    open_gate("", false);
    ck_assert_int_eq(judge(local), ADMIN_AUTH_CLOSED);
    ck_assert_int_eq(judge(remote), ADMIN_AUTH_CLOSED);
    close_gate();
    open_gate("", true);
    ck_assert_int_eq(judge(local), ADMIN_AUTH_OPEN);
    ck_assert_int_eq(judge(remote), ADMIN_AUTH_CLOSED);
    local.is_change = true;
    ck_assert_int_eq(judge(local), ADMIN_AUTH_OPEN);
    local.is_own_page = false;
    ck_assert_int_eq(judge(local), ADMIN_AUTH_FOREIGN);
    close_gate();
    open_gate("sesame", true);
    local.is_own_page = true;
    ck_assert_int_eq(judge(local), ADMIN_AUTH_MISSING);
}
END_TEST

START_TEST(what_a_foreign_page_changes_with_a_cookie_is_refused)
{
    struct admin_auth_claim cookie = claim(NULL, NULL, "sesame"),
                            header = claim("sesame", NULL, "x");

    open_gate("sesame", false);
    cookie.is_own_page = header.is_own_page = false;
    ck_assert_int_eq(judge(cookie), ADMIN_AUTH_OPEN);
    cookie.is_change = header.is_change = true;
    ck_assert_int_eq(judge(cookie), ADMIN_AUTH_FOREIGN);
    ck_assert_int_eq(judge(header), ADMIN_AUTH_OPEN);
}
END_TEST

START_TEST(guessing_is_braked_however_the_tokens_come)
{
    struct admin_auth_claim self = claim(NULL, NULL, NULL);
    char token[8];

    open_gate("sesame", false);
    for (int i = 0; i < LOGIN_THROTTLE_TRIES; i++) {
        snprintf(token, sizeof(token), "try%d", i);
        self = claim(i % 3 == 0 ? token : NULL, i % 3 == 1 ? token : NULL,
                     i % 3 == 2 ? token : NULL);
        ck_assert_int_eq(judge(self), ADMIN_AUTH_WRONG);
    }
    ck_assert_int_eq(judge(claim("sesame", NULL, NULL)), ADMIN_AUTH_THROTTLED);
    ck_assert_int_eq(judge(claim(NULL, NULL, NULL)), ADMIN_AUTH_MISSING);
    ck_assert_uint_eq(admin_auth_wait_s(gate, &self.peer, 1), 60);
    ck_assert_uint_eq(admin_auth_wait_s(gate, &self.peer, 59001), 1);
    ck_assert_uint_eq(admin_auth_wait_s(gate, &self.peer, LOGIN_THROTTLE_MS), 0);
}
END_TEST

/* A stream's claim with a ticket of so many seconds from NOW_S on; where NULL: any workspace.
 */
static struct admin_auth_claim
with_ticket(const char *where, int64_t made_ms, char text[TICKET_TEXT])
{
    struct admin_auth_claim self = claim(NULL, NULL, NULL);
    struct workspace there = {.is_known = false};

    if (where)
        there = workspace(where);
    tickets_make(admin_auth_tickets(gate), &there, made_ms, text);
    self.ticket = tm_str(text);
    self.takes_ticket = true;
    return self;
}

START_TEST(a_ticket_opens_the_stream_of_its_workspace_alone)
{
    char text[TICKET_TEXT];
    struct admin_auth_claim self;

    open_gate("sesame", false);
    self = with_ticket(HERE, NOW, text);
    ck_assert_int_eq(admin_auth_judge(gate, &self, 0, NOW), ADMIN_AUTH_OPEN);
    ck_assert(self.workspace.is_known);
    ck_assert_int_eq(judge(self), ADMIN_AUTH_OPEN);
    self.workspace = workspace(THERE);
    ck_assert_int_eq(judge(self), ADMIN_AUTH_ELSEWHERE);
    self.takes_ticket = false;
    ck_assert_int_eq(judge(self), ADMIN_AUTH_MISSING);
    self = with_ticket(NULL, NOW, text);
    self.workspace = workspace(THERE);
    ck_assert_int_eq(judge(self), ADMIN_AUTH_OPEN);
}
END_TEST

START_TEST(a_ticket_that_is_none_or_no_more_says_so)
{
    char text[TICKET_TEXT];
    struct admin_auth_claim self;

    open_gate("sesame", false);
    self = with_ticket(HERE, NOW - 300000, text);
    ck_assert_int_eq(judge(self), ADMIN_AUTH_EXPIRED);
    text[4]++;
    ck_assert_int_eq(judge(self), ADMIN_AUTH_FORGED);
}
END_TEST

START_TEST(beside_a_ticket_a_token_still_counts)
{
    char text[TICKET_TEXT];
    struct admin_auth_claim self;

    open_gate("sesame", false);
    self = with_ticket(HERE, NOW - 300000, text);
    self.cookie = tm_str("sesame");
    ck_assert_int_eq(judge(self), ADMIN_AUTH_OPEN);
    self = with_ticket(HERE, NOW, text);
    self.cookie = tm_str("old");
    for (int i = 0; i < 2 * LOGIN_THROTTLE_TRIES; i++)
        ck_assert_int_eq(judge(self), ADMIN_AUTH_OPEN);
    self.header = tm_str("wrong");
    ck_assert_int_eq(judge(self), ADMIN_AUTH_WRONG);
    self.header = tm_str("sesame");
    self.workspace = workspace(THERE);
    ck_assert_int_eq(judge(self), ADMIN_AUTH_OPEN);
}
END_TEST

static void
add_gate(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, NULL, close_gate);
    suite_tests(tcase, the_first_carrier_that_is_not_empty_decides,
                without_a_token_only_this_machine_is_let_in_and_only_where_allowed,
                what_a_foreign_page_changes_with_a_cookie_is_refused,
                guessing_is_braked_however_the_tokens_come,
                a_ticket_opens_the_stream_of_its_workspace_alone,
                a_ticket_that_is_none_or_no_more_says_so, beside_a_ticket_a_token_still_counts);
}

int
main(void)
{
    Suite *suite = suite_create("http gate");
    TCase *parts = suite_case(suite, "parts", NULL, NULL),
          *whole = suite_case(suite, "gate", NULL, NULL);

    suite_tests(parts, a_ticket_gives_what_it_was_made_for_at_every_bridge_of_one_token,
                a_ticket_of_another_token_or_of_none_is_forged, a_ticket_ends_at_its_expiry,
                a_ticket_changed_in_any_place_is_forged, what_is_no_ticket_is_not_read_as_one,
                the_tenth_wrong_token_within_a_minute_keeps_its_sender_out_for_one,
                wrong_tokens_that_come_slowly_are_only_wrong,
                an_old_cookie_sent_again_and_again_is_no_guess,
                a_full_table_forgets_who_has_been_quiet_for_the_longest);
    suite_add_tcase(suite, admin_peers_case());
    add_gate(whole);
    return suite_run(suite);
}
