/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Commands through the tables: QMP errors as QEMU words them, and the human monitor's lines.
 */
#include <string.h>

#include "schema/commands.h"
#include "schema/table.h"

static CmdContext ctx;

static void expect_error(const char *name, const char *args, ErrorCode code, const char *message)
{
    g_autoptr(Error) err = NULL;
    g_autoptr(json_t) obj = args ? json_loads(args, JSON_DECODE_ANY, NULL) : NULL;
    g_autoptr(json_t) reply = schema_dispatch(&ctx, name, obj, &err);

    g_assert_null(reply);
    g_assert_cmpint(error_code(err), ==, code);
    g_assert_cmpstr(error_message(err), ==, message);
}

static void test_qmp(void)
{
    g_autoptr(json_t) version = schema_dispatch(&ctx, "query-version", NULL, NULL);
    g_autoptr(json_t) list = schema_dispatch(&ctx, "query-commands", NULL, NULL);

    g_assert_nonnull(json_object_get(version, "qemu"));
    g_assert_cmpuint(json_array_size(list), >=, 2);
    expect_error("no-such", NULL, ERR_COMMAND_NOT_FOUND, "The command no-such has not been found");
    expect_error("query-version", "{\"x\":1}", ERR_INVALID_PARAMETER,
                 "Parameter 'x' is unexpected");
    expect_error("query-version", "[]", ERR_INVALID_PARAMETER,
                 "QMP input member 'arguments' must be an object");
    if (schema_command_find("human-monitor-command")) {
        expect_error("human-monitor-command", "{}", ERR_INVALID_PARAMETER,
                     "Parameter 'command-line' is missing");
        expect_error("human-monitor-command", "{\"command-line\":1}", ERR_INVALID_PARAMETER,
                     "Invalid parameter type for 'command-line', expected: string");
    }
}

static void test_error_json(void)
{
    g_autoptr(Error) err = NULL;

    error_set(&err, ERR_INVALID_PARAMETER, "wrong");
    g_autoptr(json_t) v = schema_error_to_json(err);
    g_assert_cmpstr(json_string_value(json_object_get(v, "class")), ==, "GenericError");
    g_assert_cmpstr(json_string_value(json_object_get(v, "desc")), ==, "wrong");
}

static void hmp_fails(const char *line, const char *message)
{
    g_autoptr(Error) err = NULL;
    g_autoptr(GString) out = g_string_new(NULL);

    g_assert_false(hmp_execute(&ctx, line, out, &err));
    g_autofree char *text = error_describe(err);
    if (!strstr(text, message)) {
        g_error("'%s' gives '%s' and not '%s'", line, text, message);
    }
}

static void test_hmp(void)
{
    g_autoptr(GString) out = g_string_new(NULL);

    g_assert_true(hmp_execute(&ctx, "   ", out, NULL));
    g_assert_cmpuint(out->len, ==, 0);
    g_assert_true(hmp_execute(&ctx, "help", out, NULL));
    g_assert_nonnull(strstr(out->str, "help|? [topic]"));
    g_string_truncate(out, 0);
    g_assert_true(hmp_execute(&ctx, " ? help ", out, NULL));
    g_assert_nonnull(strstr(out->str, "topic"));
    hmp_fails("hepl", "did you mean 'help'?");
    hmp_fails("qqqqqqqqqqq", "'help' lists");
    hmp_fails("help/x", "unknown command: '/x'");
    hmp_fails("stop/x", "'/x' is too much");
    hmp_fails("help nothing", "unknown command: 'nothing'");
}

static void test_complete(void)
{
    g_auto(GStrv) words = hmp_complete("hel");

    g_assert_cmpstr(words[0], ==, "help");
    g_assert_null(words[1]);
}

/* Every entry of the schema has its handler in the whole program. */
static void test_all_bound(void)
{
    for (const SchemaCommand *c = schema_commands; c->name || c->hmp; c++) {
        if (!schema_command_bound(c)) {
            g_test_message("%s has no handler", c->name ? c->name : c->hmp);
            g_test_fail();
        }
        g_assert_true(strlen(c->help) > 5);
    }
}

static void test_validate(void)
{
    const SchemaCommand *c = schema_command_find("query-version");
    g_autoptr(json_t) bad = json_pack("{s:s}", "package", "x");
    g_autoptr(json_t) worse = json_pack("{s:i}", "package", 1);
    g_autoptr(Error) err = NULL, err2 = NULL;

    g_assert_false(schema_validate(c->returns, bad, "return", &err));
    g_assert_cmpstr(error_message(err), ==, "Parameter 'return.qemu' is missing");
    g_assert_false(schema_validate(c->returns, worse, "return", &err2));
}

int main(int argc, char **argv)
{
    g_setenv("RHEA_CHECK_QMP", "1", TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/schema/dispatch/qmp", test_qmp);
    g_test_add_func("/schema/dispatch/error", test_error_json);
    g_test_add_func("/schema/dispatch/validate", test_validate);
    g_test_add_func("/schema/dispatch/bound", test_all_bound);
    g_test_add_func("/schema/hmp/lines", test_hmp);
    g_test_add_func("/schema/hmp/complete", test_complete);
    return g_test_run();
}
