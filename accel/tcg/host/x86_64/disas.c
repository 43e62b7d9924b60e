/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generated code as text, through Capstone when it is there. */
#include "config-host.h"
#ifdef CONFIG_CAPSTONE
#include <capstone/capstone.h>
#endif

#include "accel/tcg/host/x86_64/emit.h"

static void as_bytes(HostCode *hc, uint32_t off, uint32_t len, GString *out)
{
    for (uint32_t i = 0; i < len; i++) {
        if (i % 16 == 0) {
            g_string_append_printf(out, "%s%08x:", i ? "\n" : "", off + i);
        }
        g_string_append_printf(out, " %02x", *hc_rw(hc, off + i));
    }
    g_string_append_c(out, '\n');
}

static void disas(HostCode *hc, uint32_t off, uint32_t len, GString *out)
{
#ifdef CONFIG_CAPSTONE
    csh h;
    cs_insn *insn;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &h) == CS_ERR_OK) {
        cs_option(h, CS_OPT_SKIPDATA, CS_OPT_ON);
        size_t n = cs_disasm(h, hc_rw(hc, off), len, (uintptr_t)hc->map.rx + off, 0, &insn);
        for (size_t i = 0; i < n; i++) {
            g_string_append_printf(out, "0x%" G_GINT64_MODIFIER "x:  %s %s\n",
                                   (uint64_t)insn[i].address, insn[i].mnemonic, insn[i].op_str);
        }
        if (n) {
            cs_free(insn, n);
        }
        cs_close(&h);
        if (n) {
            return;
        }
    }
#endif
    as_bytes(hc, off, len, out);
}

void host_dump_block(HostCode *hc, const TcgBlock *tb, GString *out)
{
    g_string_append_printf(out, "OUT: block 0x%" G_GINT64_MODIFIER "x, %u bytes at offset 0x%x\n",
                           tb->pc, tb->code_end - tb->entry_poll, tb->entry_poll);
    disas(hc, tb->entry_poll, tb->code_end - tb->entry_poll, out);
}
