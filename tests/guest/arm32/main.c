/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a processor of Armv5 to Armv7 says of itself and does: identity registers, short descriptors and their faults, barriers
 * of coprocessor 15, exclusives, interworking, VFP. One line a result, by semihosting.
 */
#include <stdint.h>

#define PAGES 0x70000000u /* of the pages that are mapped for tests */
__asm__(".arch armv7ve\n .fpu vfpv3");

static uint32_t level1[4096] __attribute__((aligned(16384)));
static uint32_t level2[256] __attribute__((aligned(1024)));
static volatile uint32_t data[1024] __attribute__((aligned(4096)));
static unsigned arch; /* 5, 6, 7 */

static void put(const char *s)
{
    register uint32_t r0 __asm__("r0") = 4; /* SYS_WRITE0 */
    register const char *r1 __asm__("r1") = s;
    __asm__ volatile("svc #0x123456" : "+r"(r0) : "r"(r1) : "memory", "lr");
}

static void say(const char *name, uint32_t v)
{
    char text[11];
    text[0] = ' ';
    for (int i = 0; i < 8; i++) {
        text[1 + i] = "0123456789abcdef"[v >> (28 - 4 * i) & 15];
    }
    text[9] = '\n';
    text[10] = 0;
    put(name);
    put(text);
}

/* The value that insn leaves in R0, or what its exception does. */
#define GET(insn) \
    ({ \
        register uint32_t r0_ __asm__("r0") = 0; \
        __asm__ volatile(insn : "+r"(r0_) : : "memory", "cc", "r1", "r2", "r3", "r4"); \
        r0_; \
    })
#define SAY(name, insn) say(name, GET(insn))
#define C0(crm, op2) SAY("p15 0 c0 c" #crm " " #op2, "mrc p15, 0, r0, c0, c" #crm ", " #op2)
#define C0_ROW(crm) C0(crm, 0); C0(crm, 1); C0(crm, 2); C0(crm, 3); C0(crm, 4); C0(crm, 5); C0(crm, 6); C0(crm, 7)

static void identity(void)
{
    C0_ROW(0);
    if (arch > 5) {
        C0_ROW(1);
        C0_ROW(2);
    }
    if (arch > 6) {
        SAY("CCSIDR", "mrc p15, 1, r0, c0, c0, 0");
        SAY("CLIDR", "mrc p15, 1, r0, c0, c0, 1");
        SAY("AIDR", "mrc p15, 1, r0, c0, c0, 7");
        SAY("CSSELR", "mrc p15, 2, r0, c0, c0, 0");
        SAY("PMCR", "mrc p15, 0, r0, c9, c12, 0");
        SAY("DBGDIDR", "mrc p14, 0, r0, c0, c0, 0");
    }
    SAY("SCTLR", "mrc p15, 0, r0, c1, c0, 0");
    if (arch > 5) {
        SAY("CPACR", "mov r0, #0xf00000\n mcr p15, 0, r0, c1, c0, 2\n mrc p15, 0, r0, c1, c0, 2");
        SAY("flush prefetch buffer", "mov r0, #0\n mcr p15, 0, r0, c7, c5, 4\n mov r0, #1");
    }
    SAY("FPEXC", "mov r0, #0x40000000\n fmxr fpexc, r0\n fmrx r0, fpexc");
    SAY("FPSID", "fmrx r0, fpsid");
    if (arch > 5) {
        SAY("MVFR0", "fmrx r0, mvfr0");
        SAY("MVFR1", "fmrx r0, mvfr1");
    }
}

/* ---- short descriptors ---- */

static void translation_on(void)
{
    extern char _start;
    uint32_t base = (uint32_t)&_start & 0xfff00000, code = arch == 5 ? 0xc1e : 0xc0e, here = arch == 5 ? 0xff2 : 0x032;
    for (uint32_t i = 0; i < 4096; i++) {
        level1[i] = i << 20 | (arch == 5 ? 0xc12 : 0xc02);
    }
    level1[base >> 20] = base | code;
    level1[0] = base | code;
    level1[PAGES >> 20] = (uint32_t)level2 | (arch == 5 ? 0x11 : 1);
    level1[(PAGES >> 20) + 1] = 0;
    level1[(PAGES >> 20) + 2] = base | code | 1 << 5; /* domain 1, no access */
    level2[0] = (uint32_t)data | here;
    level2[1] = (uint32_t)data | (arch == 5 ? 0x002 : 0x212); /* no access; read only */
    level2[2] = 0;
    level2[3] = (uint32_t)data | here | (arch == 5 ? 0 : 1); /* not to be executed, but on Armv5 */
    __asm__ volatile("mcr p15, 0, %0, c2, c0, 0\n mcr p15, 0, %1, c3, c0, 0\n mcr p15, 0, %2, c8, c7, 0"
                     :: "r"(level1), "r"(1), "r"(0) : "memory");
    uint32_t sctlr;
    __asm__ volatile("mrc p15, 0, %0, c1, c0, 0" : "=r"(sctlr));
    sctlr = (sctlr | 1 | (arch == 6 ? 1 << 23 | 1 << 22 : 0)) & ~(1u << 13 | 2);
    __asm__ volatile("mcr p15, 0, %0, c1, c0, 0" :: "r"(sctlr) : "memory");
}

static void translation(void)
{
    data[5] = 0x12345678;
    SAY("small page, load", "ldr r1, =0x70000014\n ldr r0, [r1]");
    SAY("small page, store", "ldr r1, =0x70000018\n mov r0, #7\n str r0, [r1]");
    say("stored", data[6]);
    SAY("second page, load", "ldr r1, =0x70001014\n ldr r0, [r1]");
    SAY("second page, store", "ldr r1, =0x70001014\n ldr r0, =0x111\n str r0, [r1]");
    SAY("no page", "ldr r1, =0x70002000\n ldr r0, [r1]");
    SAY("DFAR", "mrc p15, 0, r0, c6, c0, 0");
    SAY("no section", "ldr r1, =0x70100000\n str r0, [r1]");
    SAY("domain", "ldr r1, =0x70200000\n ldr r0, [r1]");
    data[0] = 0xe12fff14; /* bx r4 */
    SAY("code in a page", "adr r4, 1f\n mov r0, #3\n ldr r1, =0x70003000\n bx r1\n1:");
    SAY("code on no page", "adr r4, 1f\n ldr r1, =0x70002000\n bx r1\n1:");
    SAY("domain as manager", "mov r0, #13\n mcr p15, 0, r0, c3, c0, 0\n ldr r1, =0x70200000\n mov r0, #0\n mcr p15, 0, r0, c8, c7, 0\n"
        " ldr r0, [r1]\n tst r0, #1\n mov r0, #1");
}

/* ---- instructions ---- */

static void interworking(void)
{
    /* T16: r0 += 2, and back by BX */
    SAY("BX to Thumb", "adr r1, 1f + 1\n adr r2, 2f\n mov r0, #40\n bx r1\n .thumb\n1: add r0, #2\n bx r2\n .arm\n .balign 4\n2:");
    SAY("BLX to Thumb", "mov r3, lr\n adr r1, 1f + 1\n mov r0, #50\n blx r1\n mov lr, r3\n b 2f\n .thumb\n1: add r0, #2\n bx lr\n"
        " .arm\n .balign 4\n2:");
    SAY("CPSR", "mrs r0, cpsr\n bic r0, r0, #0xf0000000");
}

static void armv5(void)
{
    SAY("CLZ", "ldr r1, =0x00012345\n clz r0, r1");
    SAY("QADD", "ldr r1, =0x7fffffff\n mov r2, #5\n qadd r0, r1, r2");
    SAY("Q", "mrs r0, cpsr\n and r0, r0, #1 << 27");
    SAY("SMULBT", "ldr r1, =0x12345678\n ldr r2, =0x9abcdef0\n smulbt r0, r1, r2");
    data[8] = 0x11111111;
    data[9] = 0x22222222;
    SAY("LDRD", "ldr r1, =0x70000020\n ldrd r2, r3, [r1]\n add r0, r2, r3");
    SAY("SWP", "ldr r1, =0x70000020\n mov r2, #9\n .inst 0xe1010092"); /* swp r0, r2, [r1] */
    say("swapped", data[8]);
}

static void armv6(void)
{
    SAY("REV", "ldr r1, =0x01020304\n rev r0, r1");
    SAY("SXTB16", "ldr r1, =0x00f10080\n sxtb16 r0, r1");
    SAY("UADD8, SEL", "ldr r1, =0x80ff0102\n ldr r2, =0x90018003\n uadd8 r3, r1, r2\n sel r0, r1, r2");
    SAY("USAD8", "ldr r1, =0x01020304\n ldr r2, =0x04030201\n usad8 r0, r1, r2");
    SAY("LDREX, STREX", "ldr r1, =0x70000020\n ldrex r0, [r1]\n add r0, r0, #1\n mov r2, r0\n strex r0, r2, [r1]");
    say("exclusive", data[8]);
    SAY("STREX alone", "ldr r1, =0x70000020\n mov r2, #77\n strex r0, r2, [r1]");
    SAY("CLREX", "ldr r1, =0x70000020\n ldrex r0, [r1]\n clrex\n mov r2, #78\n strex r0, r2, [r1]");
    say("not stored", data[8]);
    SAY("LDREXB", "ldr r1, =0x70000021\n ldrexb r2, [r1]\n mov r2, #5\n strexb r0, r2, [r1]");
    SAY("unaligned LDR", "ldr r1, =0x70000021\n ldr r0, [r1]");
    SAY("SETEND", "ldr r1, =0x70000014\n .inst 0xf1010200\n ldr r0, [r1]\n .inst 0xf1010000");
    SAY("DSB", "mov r0, #0\n mcr p15, 0, r0, c7, c10, 4\n mov r0, #1");
    SAY("DMB", "mov r0, #0\n mcr p15, 0, r0, c7, c10, 5\n mov r0, #1");
    SAY("ISB", "mov r0, #0\n mcr p15, 0, r0, c7, c5, 4\n mov r0, #1");
    SAY("CPSID, CPSIE", "cpsid if\n mrs r0, cpsr\n and r0, r0, #0xc0");
    SAY("TPIDRURW", "ldr r0, =0x13572468\n mcr p15, 0, r0, c13, c0, 2\n mov r0, #0\n mrc p15, 0, r0, c13, c0, 2");
}

static void armv7(void)
{
    SAY("MOVW, MOVT", "movw r0, #0x1234\n movt r0, #0x5678");
    SAY("UBFX", "ldr r1, =0x12345678\n ubfx r0, r1, #8, #12");
    SAY("T32, IT", "adr r1, 1f + 1\n adr r2, 2f\n bx r1\n .syntax unified\n .thumb\n1: movs r0, #0\n ite eq\n moveq.w r0, #0x5a00\n"
        " movne r0, #1\n bx r2\n .balign 4\n .arm\n2: .syntax divided");
    SAY("SMC in IT", "adr r1, 1f + 1\n adr r2, 2f\n bx r1\n .syntax unified\n .thumb\n1: movs r0, #1\n it eq\n .inst.w 0xf7f08000\n"
        " adds r0, #4\n bx r2\n .balign 4\n .arm\n2: .syntax divided"); /* SMCEQ #0, whose condition fails */
    SAY("DMB SY", "dmb sy\n mov r0, #1");
    SAY("LDREXD", "ldr r1, =0x70000020\n ldrexd r2, r3, [r1]\n add r2, r2, #1\n strexd r0, r2, r3, [r1]");
    SAY("V2P", "ldr r1, =0x70000123\n mcr p15, 0, r1, c7, c8, 0\n isb\n mrc p15, 0, r0, c7, c4, 0\n ldr r1, =0xfff\n and r0, r0, r1");
    SAY("V2P of nothing", "ldr r1, =0x70002000\n mcr p15, 0, r1, c7, c8, 0\n isb\n mrc p15, 0, r0, c7, c4, 0");
}

static void vfp(void)
{
    SAY("FADDD", "mov r0, #0\n ldr r1, =0x3ff80000\n fmdrr d0, r0, r1\n ldr r1, =0x40020000\n fmdrr d1, r0, r1\n faddd d2, d0, d1\n"
        " fmrdh r0, d2");
    SAY("FDIVS", "ldr r0, =0x3f800000\n fmsr s0, r0\n ldr r0, =0x40400000\n fmsr s1, r0\n fdivs s2, s0, s1\n fmrs r0, s2");
    SAY("FPSCR", "fmrx r0, fpscr");
    SAY("FSQRTS", "ldr r0, =0xbf800000\n fmsr s0, r0\n fsqrts s1, s0\n fmrs r0, s1");
    SAY("FPSCR of it", "fmrx r0, fpscr");
    SAY("FCMPD", "fcmpd d2, d0\n fmstat\n mrs r0, cpsr\n and r0, r0, #0xf0000000");
    SAY("FTOSIZD", "ftosizd s0, d2\n fmrs r0, s0");
}

void main(void)
{
    uint32_t midr;
    __asm__("mrc p15, 0, %0, c0, c0, 0" : "=r"(midr));
    uint32_t part = midr >> 4 & 0xfff;
    arch = part == 0x926 ? 5 : part == 0xb36 || part == 0xb76 ? 6 : 7;
    translation_on();
    identity();
    translation();
    interworking();
    armv5();
    if (arch > 5) {
        armv6();
    }
    if (arch > 6) {
        armv7();
    }
    vfp();
    put("END\n");
}
