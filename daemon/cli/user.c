#include <errno.h>
#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli.h"
#include "store/people.h"

static const char help[] =
    "usage: citybrain user add LOGIN --role ROLE (--district NAME... | --all-districts) [--name NAME]\n"
    "       citybrain user set LOGIN [--role ROLE] [--district NAME... | --all-districts]\n"
    "                                [--name NAME] [--password]\n"
    "       citybrain user disable LOGIN\n"
    "       citybrain user enable LOGIN\n"
    "       citybrain user list\n"
    "\n"
    "Who may log in at the gateway. The password is asked for on a terminal, else it is one line of\n"
    "standard input: 10 bytes at least. Whatever is changed ends the user's sessions.\n"
    "\n"
    "  --db CONNINFO    libpq's connection string or URI; default: $CITYBRAIN_DB; a login with the\n"
    "                   rights of citybrain_admin\n"
    "  --role ROLE      command: alerts, evidence, decisions, dispatch; analyst: the history without\n"
    "                   pictures; field: what happens near it or it is sent to, a unit by its login;\n"
    "                   technician: cameras; admin: the history and who read what\n"
    "  --district NAME  what the user sees, once for each\n"
    "\n"
    "Exit codes: 0 done; 1 it was refused; 2 wrong usage.\n"
    "\n"
    "Examples:\n"
    "  citybrain user add chen --role command --district 福田 --district 南山 --name 陈\n"
    "  echo \"$PASSWORD\" | citybrain user add unit7 --role field --district 福田\n"
    "  citybrain user set chen --password\n";

#define DISTRICTS_MAX 64
#define PASSWORD_MIN 10
#define PASSWORD_MAX 256

struct words {
    const char *db, *verb;
    const char *district[DISTRICTS_MAX];
    bool sees_all, has_password;
    struct cb_people_change change;
};

static bool read_line(char *ret, size_t size)
{
    if (!fgets(ret, (int) size, stdin))
        return false;
    size_t n = strcspn(ret, "\r\n");
    bool is_whole = ret[n] != '\0' || feof(stdin);
    ret[n] = '\0';
    return is_whole;
}

static bool ask_hidden(const char *words, char *ret, size_t size)
{
    struct termios before, hidden;
    fputs(words, stderr);
    if (tcgetattr(STDIN_FILENO, &before) < 0)
        return false;
    hidden = before;
    hidden.c_lflag &= (tcflag_t) ~ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    bool is_read = read_line(ret, size);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return is_read;
}

static int read_password(char ret[PASSWORD_MAX + 2])
{
    char again[PASSWORD_MAX + 2] = "";
    bool is_terminal = isatty(STDIN_FILENO);
    bool is_read = is_terminal ? ask_hidden("password: ", ret, PASSWORD_MAX + 2)
                               : read_line(ret, PASSWORD_MAX + 2);
    if (!is_read || strlen(ret) < PASSWORD_MIN || strlen(ret) > PASSWORD_MAX) {
        fprintf(stderr, "citybrain user: expected a password of %d to %d bytes\n", PASSWORD_MIN,
                PASSWORD_MAX);
        return -EINVAL;
    }
    if (is_terminal && (!ask_hidden("once more: ", again, sizeof again) || strcmp(ret, again) != 0)) {
        fputs("citybrain user: that was another one\n", stderr);
        return -EINVAL;
    }
    sodium_memzero(again, sizeof again);
    return 0;
}

static int hash_password(char ret[crypto_pwhash_STRBYTES])
{
    char password[PASSWORD_MAX + 2] = "";
    int r = read_password(password);
    if (r == 0 && crypto_pwhash_str(ret, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                    crypto_pwhash_MEMLIMIT_INTERACTIVE) < 0)
        r = -ENOMEM;
    sodium_memzero(password, sizeof password);
    return r;
}

static void print_user(void *arg, const char *login, const char *role, const char *name,
                       const char *districts, bool is_disabled)
{
    (void) arg;
    printf("%-16s %-10s %-4s %s  %s\n", login, role, is_disabled ? "off" : "", name, districts);
}

static int report(int r, const struct cb_error *e)
{
    if (r == 0)
        return CB_EXIT_OK;
    fprintf(stderr, "citybrain user: %s: %s\n", e->where, r == -EEXIST ? "there is such a user already" : e->text);
    return CB_EXIT_FAILED;
}

static int change(struct words *w)
{
    char hash[crypto_pwhash_STRBYTES] = "";
    struct cb_error e = {0};
    struct cb_people_change *c = &w->change;
    if ((c->is_new || w->has_password)) {
        if (hash_password(hash) < 0)
            return CB_EXIT_FAILED;
        c->password_hash = hash;
    }
    c->district = w->district;
    c->has_districts = c->n_districts || w->sees_all;
    return report(cb_people_set(w->db, c, &e), &e);
}

static int run(struct words *w)
{
    struct cb_error e = {0};
    struct cb_people_change *c = &w->change;
    if (!strcmp(w->verb, "list") && !c->login)
        return report(cb_people_list(w->db, print_user, NULL, &e), &e);
    if (!c->login)
        return CB_EXIT_USAGE;
    if (!strcmp(w->verb, "disable") || !strcmp(w->verb, "enable")) {
        c->has_disabled = true;
        c->is_disabled = w->verb[0] == 'd';
        return change(w);
    }
    c->is_new = !strcmp(w->verb, "add");
    if ((!c->is_new && strcmp(w->verb, "set") != 0) || (c->n_districts && w->sees_all) ||
        (c->is_new && (!c->role || (!c->n_districts && !w->sees_all))))
        return CB_EXIT_USAGE;
    return change(w);
}

int cb_cli_user(int argc, char **argv)
{
    static const struct option options[] = {{"db", required_argument, NULL, 'b'},
                                            {"role", required_argument, NULL, 'r'},
                                            {"district", required_argument, NULL, 'd'},
                                            {"all-districts", no_argument, NULL, 'a'},
                                            {"name", required_argument, NULL, 'n'},
                                            {"password", no_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct words w = {.db = getenv("CITYBRAIN_DB")};
    for (int o; (o = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (o == 'd' && w.change.n_districts == DISTRICTS_MAX)
            o = '?';
        switch (o) {
        case 'b': w.db = optarg; break;
        case 'r': w.change.role = optarg; break;
        case 'd': w.district[w.change.n_districts++] = optarg; break;
        case 'a': w.sees_all = true; break;
        case 'n': w.change.name = optarg; break;
        case 'p': w.has_password = true; break;
        case 'h': fputs(help, stdout); return CB_EXIT_OK;
        default: fputs(help, stderr); return CB_EXIT_USAGE;
        }
    }
    w.verb = optind < argc ? argv[optind++] : "";
    w.change.login = optind < argc ? argv[optind++] : NULL;
    int code = !w.db || optind < argc ? CB_EXIT_USAGE : run(&w);
    if (code == CB_EXIT_USAGE)
        fputs(help, stderr);
    return code;
}
