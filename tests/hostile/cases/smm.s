/* x64: system management mode, 64-bit save area (APM vol 2, chapter 10). The code at SMBASE + 8000h is copied to
 * where the handler moves SMBASE, so it runs at both.
 * noqemu: firmware there has moved SMBASE away.
 * expect 0x21 "\x01Srb3\x9411223345 Srb4\x9411223346 E06:0000 " */
    .set SAVED_AX, 0x1f8
    .set SAVED_SMBASE, 0x100
    .macro code_again
    .code64
    .endm
    include "smm.inc"
