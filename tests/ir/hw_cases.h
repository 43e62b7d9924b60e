/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which x86 instruction does what an IR op means: rows for test-ir-ops.c.
 *   X(id, op, width, form, argument, assembly)
 * The assembly finds A in rax, C in rcx, D in rdx, the memory operand at (%rsi). The form says how
 * the IR op's operands lie on these.
 */
#define REG4(X, op, form, mn)                                                                      \
    X(op##_8, op, W8, form, 0, mn "b %%cl, %%al")                                                  \
    X(op##_16, op, W16, form, 0, mn "w %%cx, %%ax")                                                \
    X(op##_32, op, W32, form, 0, mn "l %%ecx, %%eax")                                              \
    X(op##_64, op, W64, form, 0, mn "q %%rcx, %%rax")
#define REG3(X, op, form, mn)                                                                      \
    X(op##_16, op, W16, form, 0, mn "w %%cx, %%ax")                                                \
    X(op##_32, op, W32, form, 0, mn "l %%ecx, %%eax")                                              \
    X(op##_64, op, W64, form, 0, mn "q %%rcx, %%rax")
#define SHIFT4(X, op, mn)                                                                          \
    X(op##_8, op, W8, BIN, 0, mn "b %%cl, %%al")                                                   \
    X(op##_16, op, W16, BIN, 0, mn "w %%cl, %%ax")                                                 \
    X(op##_32, op, W32, BIN, 0, mn "l %%cl, %%eax")                                                \
    X(op##_64, op, W64, BIN, 0, mn "q %%cl, %%rax")
#define UN4(X, op, mn)                                                                             \
    X(op##_8, op, W8, UN, 0, mn "b %%al")                                                          \
    X(op##_16, op, W16, UN, 0, mn "w %%ax")                                                        \
    X(op##_32, op, W32, UN, 0, mn "l %%eax")                                                       \
    X(op##_64, op, W64, UN, 0, mn "q %%rax")
#define DBL3(X, op, mn)                                                                            \
    X(op##_16, op, W16, DBL, 0, mn "w %%cl, %%dx, %%ax")                                           \
    X(op##_32, op, W32, DBL, 0, mn "l %%cl, %%edx, %%eax")                                         \
    X(op##_64, op, W64, DBL, 0, mn "q %%cl, %%rdx, %%rax")
#define PAIR4(X, op, form, mn)                                                                     \
    X(op##_8, op, W8, form, 0, mn "b %%cl")                                                        \
    X(op##_16, op, W16, form, 0, mn "w %%cx")                                                      \
    X(op##_32, op, W32, form, 0, mn "l %%ecx")                                                     \
    X(op##_64, op, W64, form, 0, mn "q %%rcx")
/* Memory forms; the argument of RMW is the sub-operation, of all 0x100 for a locked one. */
#define MEM4(X, id, op, form, arg, mn)                                                             \
    X(id##_8, op, W8, form, arg, mn "b %%cl, (%%rsi)")                                             \
    X(id##_16, op, W16, form, arg, mn "w %%cx, (%%rsi)")                                           \
    X(id##_32, op, W32, form, arg, mn "l %%ecx, (%%rsi)")                                          \
    X(id##_64, op, W64, form, arg, mn "q %%rcx, (%%rsi)")
#define MEMBOTH(X, op, mn)                                                                         \
    MEM4(X, rmw_##op, rmw, RMW, OP_##op, mn)                                                       \
    MEM4(X, lock_##op, rmw, RMW, OP_##op | 0x100, "lock " mn)
#define MEMUN(X, op, mn)                                                                           \
    X(rmw_##op##_8, rmw, W8, RMWUN, OP_##op, mn "b (%%rsi)")                                       \
    X(rmw_##op##_16, rmw, W16, RMWUN, OP_##op, mn "w (%%rsi)")                                     \
    X(rmw_##op##_32, rmw, W32, RMWUN, OP_##op | 0x100, "lock " mn "l (%%rsi)")                     \
    X(rmw_##op##_64, rmw, W64, RMWUN, OP_##op, mn "q (%%rsi)")
#define MEMSHIFT(X, op, mn)                                                                        \
    X(rmw_##op##_8, rmw, W8, RMW, OP_##op, mn "b %%cl, (%%rsi)")                                   \
    X(rmw_##op##_16, rmw, W16, RMW, OP_##op, mn "w %%cl, (%%rsi)")                                 \
    X(rmw_##op##_32, rmw, W32, RMW, OP_##op, mn "l %%cl, (%%rsi)")                                 \
    X(rmw_##op##_64, rmw, W64, RMW, OP_##op, mn "q %%cl, (%%rsi)")
/* The bit number of a memory operand reaches beyond it in x86: the test reduces it. */
#define MEMBIT(X, op, mn)                                                                          \
    X(rmw_##op##_16, rmw, W16, RMWBIT, OP_##op, "andl $15, %%ecx; " SETF mn "w %%cx, (%%rsi)")     \
    X(rmw_##op##_32, rmw, W32, RMWBIT, OP_##op | 0x100,                                            \
      "andl $31, %%ecx; " SETF "lock " mn "l %%ecx, (%%rsi)")                                      \
    X(rmw_##op##_64, rmw, W64, RMWBIT, OP_##op, "andl $63, %%ecx; " SETF mn "q %%rcx, (%%rsi)")
#define COND(X, n, cc)                                                                             \
    X(cmov_16_##cc, cmov, W16, CMOV, n, "cmov" #cc "w %%cx, %%ax")                                 \
    X(cmov_32_##cc, cmov, W32, CMOV, n, "cmov" #cc "l %%ecx, %%eax")                               \
    X(cmov_64_##cc, cmov, W64, CMOV, n, "cmov" #cc "q %%rcx, %%rax")                               \
    X(set_##cc, setcc, W8, SETCC, n, "set" #cc " %%al")

#define HW_CASES(X)                                                                                \
    REG4(X, add, BIN, "add") REG4(X, adc, BIN, "adc") REG4(X, sub, BIN, "sub")                     \
    REG4(X, sbb, BIN, "sbb") REG4(X, and, BIN, "and") REG4(X, or, BIN, "or")                       \
    REG4(X, xor, BIN, "xor") REG4(X, cmp, TST, "cmp") REG4(X, test, TST, "test")                   \
    UN4(X, inc, "inc") UN4(X, dec, "dec") UN4(X, neg, "neg") UN4(X, not, "not")                    \
    SHIFT4(X, shl, "shl") SHIFT4(X, shr, "shr") SHIFT4(X, sar, "sar") SHIFT4(X, rol, "rol")        \
    SHIFT4(X, ror, "ror") SHIFT4(X, rcl, "rcl") SHIFT4(X, rcr, "rcr")                              \
    DBL3(X, shld, "shld") DBL3(X, shrd, "shrd") REG3(X, imul, BIN, "imul")                         \
    PAIR4(X, mulu2, MUL2, "mul") PAIR4(X, muls2, MUL2, "imul")                                     \
    PAIR4(X, divu, DIV, "div") PAIR4(X, divs, DIV, "idiv")                                         \
    REG3(X, bt, TST, "bt") REG3(X, bts, BIN, "bts") REG3(X, btr, BIN, "btr")                       \
    REG3(X, btc, BIN, "btc") REG3(X, bsf, SCAN, "bsf") REG3(X, bsr, SCAN, "bsr")                   \
    REG3(X, tzcnt, COUNT, "tzcnt") REG3(X, lzcnt, COUNT, "lzcnt")                                  \
    REG3(X, popcnt, COUNT, "popcnt")                                                               \
    X(andn_32, andn, W32, ANDN, 0, "andnl %%ecx, %%eax, %%edx")                                    \
    X(andn_64, andn, W64, ANDN, 0, "andnq %%rcx, %%rax, %%rdx")                                    \
    X(bswap_32, bswap, W32, UN, 0, "bswapl %%eax") X(bswap_64, bswap, W64, UN, 0, "bswapq %%rax")  \
    X(exth, exth, W8, FROM_C, 0, "movzbl %%ch, %%eax") X(insh, insh, W8, FROM_C, 0, "movb %%cl, %%ah") \
    REG4(X, mov, FROM_C, "mov")                                                                    \
    X(zext_8, zext, W8, FROM_C, 0, "movzbl %%cl, %%eax")                                           \
    X(zext_16, zext, W16, FROM_C, 0, "movzwl %%cx, %%eax")                                         \
    X(zext_32, zext, W32, FROM_C, 0, "movl %%ecx, %%eax")                                          \
    X(sext_8_16, sext, W8, FROM_C, W16, "movsbw %%cl, %%ax")                                       \
    X(sext_8_32, sext, W8, FROM_C, W32, "movsbl %%cl, %%eax")                                      \
    X(sext_8_64, sext, W8, FROM_C, W64, "movsbq %%cl, %%rax")                                      \
    X(sext_16_32, sext, W16, FROM_C, W32, "movswl %%cx, %%eax")                                    \
    X(sext_16_64, sext, W16, FROM_C, W64, "movswq %%cx, %%rax")                                    \
    X(sext_32_64, sext, W32, FROM_C, W64, "movslq %%ecx, %%rax")                                   \
    X(lea_16, lea, W16, LEA, 1, "leaw 0x1234(%%rax, %%rcx, 2), %%dx")                              \
    X(lea_32, lea, W32, LEA, 2, "leal 0x1234(%%rax, %%rcx, 4), %%edx")                             \
    X(lea_64, lea, W64, LEA, 3, "leaq 0x1234(%%rax, %%rcx, 8), %%rdx")                             \
    X(cmc, cmc, W8, NONE, 0, "cmc")                                                                \
    X(ld_8, ld, W8, LD, 0, "movzbl (%%rsi), %%eax") X(ld_16, ld, W16, LD, 0, "movzwl (%%rsi), %%eax") \
    X(ld_32, ld, W32, LD, 0, "movl (%%rsi), %%eax") X(ld_64, ld, W64, LD, 0, "movq (%%rsi), %%rax") \
    X(lds_8_16, lds, W8, LD, W16, "movsbw (%%rsi), %%ax")                                          \
    X(lds_8_32, lds, W8, LD, W32, "movsbl (%%rsi), %%eax")                                         \
    X(lds_8_64, lds, W8, LD, W64, "movsbq (%%rsi), %%rax")                                         \
    X(lds_16_32, lds, W16, LD, W32, "movswl (%%rsi), %%eax")                                       \
    X(lds_16_64, lds, W16, LD, W64, "movswq (%%rsi), %%rax")                                       \
    X(lds_32_64, lds, W32, LD, W64, "movslq (%%rsi), %%rax")                                       \
    MEM4(X, st, st, ST, 0, "mov")                                                                  \
    MEMBOTH(X, add, "add") MEMBOTH(X, adc, "adc") MEMBOTH(X, sub, "sub") MEMBOTH(X, sbb, "sbb")    \
    MEMBOTH(X, and, "and") MEMBOTH(X, or, "or") MEMBOTH(X, xor, "xor")                             \
    MEMUN(X, inc, "inc") MEMUN(X, dec, "dec") MEMUN(X, neg, "neg") MEMUN(X, not, "not")            \
    MEMSHIFT(X, shl, "shl") MEMSHIFT(X, shr, "shr") MEMSHIFT(X, sar, "sar")                        \
    MEMSHIFT(X, rol, "rol") MEMSHIFT(X, ror, "ror") MEMSHIFT(X, rcl, "rcl")                        \
    MEMSHIFT(X, rcr, "rcr")                                                                        \
    MEMBIT(X, bts, "bts") MEMBIT(X, btr, "btr") MEMBIT(X, btc, "btc")                              \
    MEM4(X, xchgm, xchgm, XCHG, 0x100, "xchg")                                                     \
    MEM4(X, xaddm, xaddm, XCHG, 0, "xadd") MEM4(X, xaddml, xaddm, XCHG, 0x100, "lock xadd")        \
    MEM4(X, cmpxchgm, cmpxchgm, CMPXCHG, 0, "cmpxchg")                                             \
    MEM4(X, cmpxchgml, cmpxchgm, CMPXCHG, 0x100, "lock cmpxchg")                                   \
    COND(X, 0, o) COND(X, 1, no) COND(X, 2, b) COND(X, 3, ae) COND(X, 4, e) COND(X, 5, ne)         \
    COND(X, 6, be) COND(X, 7, a) COND(X, 8, s) COND(X, 9, ns) COND(X, 10, p) COND(X, 11, np)       \
    COND(X, 12, l) COND(X, 13, ge) COND(X, 14, le) COND(X, 15, g)
