/* x32: the same with the 32-bit save area of processors without long mode.
 * noqemu: firmware there has moved SMBASE away.
 * arg -cpu arg qemu64,-lm
 * expect 0x21 "\x01Srb3011223345 Srb4011223346 E06:0000 " */
    .set SAVED_AX, 0x1d0
    .set SAVED_SMBASE, 0xf8
    .macro code_again
    .code32
    .endm
    include "smm.inc"
