/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the room share. A debugger's bytes come in by packet.c, which finds the packets in them; commands.c
 * knows what they ask for.
 */
#ifndef GDBSTUB_INTERNAL_H
#define GDBSTUB_INTERNAL_H

#include "core/debug.h"
#include "core/gdb.h"
#include "gdbstub/gdbstub.h"

#define GDB_PACKET_MAX 4096u  /* bytes between $ and #, both ways (qSupported's PacketSize) */
#define GDB_PENDING_MAX (256u << 10) /* replies that a peer may leave unread before nothing more is read of it */

typedef enum GdbInput { GDB_IDLE, GDB_DATA, GDB_ESCAPED, GDB_SUM1, GDB_SUM2 } GdbInput;

/* Bits of qqemu.sstep, as QEMU numbers them. */
enum { GDB_STEP_ENABLE = 1, GDB_STEP_NOIRQ = 2, GDB_STEP_NOTIMER = 4, GDB_STEP_ALL = 7 };

struct GdbStub {
    Machine *m;
    CharPort *port; /* NULL: it is gone */
    GdbMonitorFn *monitor;
    void *monitor_opaque;
    bool connected;
    int busy; /* depth of commands */

    /* packet.c */
    GdbInput input;
    GByteArray *in;     /* unescaped */
    bool too_long;
    uint8_t sum, want;
    GByteArray *reply;  /* the last one as it was sent: for a `-` */
    bool no_ack;

    bool owed;          /* the debugger waits for a stop reply */
    bool says_why;      /* it knows swbreak and hwbreak */
    bool physical;      /* qqemu.PhyMemMode: m, M and X take physical addresses */
    uint8_t steps;      /* GDB_STEP_* */
    Cpu *general, *running; /* Hg and Hc: of g, m and the like; of s and c */
    int listed;         /* qsThreadInfo: the next processor */
    int monitor_cpu;
    GString *xml;       /* target.xml, once it was asked for */
    GString *last_stop; /* what `?` says */
};

/* packet.c */
void gdb_packet_init(GdbStub *g);
void gdb_packet_fini(GdbStub *g);
/* A new peer: nothing is half received, it acknowledges. */
void gdb_packet_reset(GdbStub *g);
void gdb_receive(GdbStub *g, const uint8_t *buf, size_t len);
/* Send a reply packet; data may be binary. */
void gdb_put(GdbStub *g, const char *data, size_t len);
void gdb_puts(GdbStub *g, const char *text);
void gdb_ok(GdbStub *g);
/* E NN (errno of the protocol's examples) */
void gdb_error(GdbStub *g, unsigned number);
/* E.text, and the error is freed */
void gdb_error_text(GdbStub *g, Error *err);
void gdb_hex(GString *out, const uint8_t *data, size_t len);
/* len bytes of hexadecimal text; false: it is not, or not that long. */
bool gdb_unhex(const char *text, size_t text_len, uint8_t *data, size_t len);

/* commands.c: a packet, ended by a NUL that is not counted. */
void gdb_command(GdbStub *g, char *p, size_t len);
/* Numbers in packets: at least one hexadecimal digit, at most 16. *p moves on. */
bool gdb_number(const char **p, uint64_t *v);
/* The same, and then this character (0: the end), which is passed. */
bool gdb_number_to(const char **p, char end, uint64_t *v);
/* A processor by the protocol's number, which begins with 1; NULL: there is none. */
Cpu *gdb_thread(GdbStub *g, uint64_t id);
int gdb_thread_id(const Cpu *cpu);

/* registers.c */
void gdb_read_registers(GdbStub *g);                      /* g */
void gdb_write_registers(GdbStub *g, const char *hex);    /* G */
void gdb_read_register(GdbStub *g, const char *p);        /* p */
void gdb_write_register(GdbStub *g, const char *p);       /* P */
/* The target description of the machine's first processor. */
GString *gdb_description(GdbStub *g);

/* memory.c */
void gdb_read_memory(GdbStub *g, const char *p);          /* m */
void gdb_write_memory(GdbStub *g, const char *p, size_t len, bool binary); /* M, X */
void gdb_breakpoint(GdbStub *g, const char *p, bool insert); /* Z, z: from the number on */

/* query.c: packets that begin with q and Q. false: not known. */
bool gdb_query(GdbStub *g, char *p, size_t len);
bool gdb_set(GdbStub *g, const char *p);

/* run.c */
void gdb_resume(GdbStub *g, char action, const char *addr); /* c, s; addr: where, or "" */
void gdb_vcont(GdbStub *g, const char *p);                /* behind "vCont" */
/* Stops the machine for the debugger, if it runs. */
void gdb_interrupt(GdbStub *g);
/* Breakpoints, steps and modes of the peer that is gone are no more. */
void gdb_forget(GdbStub *g);
void gdb_run_state(void *opaque, Machine *m, RunState now, bool running); /* RunStateFn */

#endif
