# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that executes ring 0 instructions one by one and prints what each made of the registers.

Each item is an instruction in Intel syntax; the words after '|' name flags that it leaves undefined.
RSI points to 256 bytes of data, RDI to others."""

ALL_FLAGS = 0x8d5
UNDEFINED = {"a": 0x10, "o": 0x800, "s": 0x80, "z": 0x40, "p": 4, "c": 1}

INTEGER = """
add rax,rbx;adc eax,[rsi];sub cx,[rsi+3];sbb bl,[rsi];and rax,[rsi]|a;or [rdi],ebx|a;xor [rdi+1],cx|a;cmp rax,[rsi];
test rbx,rcx|a;inc dword ptr [rdi];dec rbx;neg qword ptr [rdi];not word ptr [rdi];mul rbx|szap;imul rcx|szap;
imul rax,[rsi],7|szap;imul ebx,ecx|szap;div ebx|oszapc;idiv ecx|oszapc;shl rax,3|ao;shr dword ptr [rdi],5|ao;
sar rcx,cl|ao;rol rax,9|o;ror ebx,3|o;rcl rax,1;rcr ecx,1;shld rax,rbx,7|ao;shrd [rdi],ecx,5|ao;bt rax,rbx|oszap;
bts [rdi],ecx|oszap;btr rax,5|oszap;btc ebx,3|oszap;bsf rax,[rsi]|osapc;bsr rbx,rcx|osapc;bswap rax;bswap ecx;
xchg rax,rbx;xchg [rdi],ecx;xadd [rdi],rbx;xadd rax,rcx;cmpxchg [rdi],rbx;cmpxchg8b [rdi];cmpxchg16b [rdi];
lock add [rdi],eax;lock xadd [rdi],ecx;lock bts dword ptr [rdi],9|oszap;cbw;cwde;cdqe;cwd;cdq;cqo;sahf;lahf;cmc;clc;stc;
std;setc al;setg [rdi];cmovz rax,rbx;cmovg ecx,[rsi];lea rax,[rbx+rcx*4+7];mov rax,0x1122334455667788;movsx rax,bl;
movzx eax,byte ptr [rsi];movsxd rax,ebx;xlatb;enter 16,0;leave;push rax;pop rbx;pushfq;popfq;push fs;push gs;pop fs;pop gs;
stosb;stosq;lodsw;lodsq;movsd;movsb;cmpsb;scasd;rep movsb;rep stosd;repe cmpsb;repne scasb;nop;pause;
mov rax,cr0;mov rbx,cr2;mov rcx,cr3;mov rax,cr4;mov rax,cr8;mov rbx,dr0;mov rcx,dr6;mov rax,dr7;mov dr1,rax;clts;smsw eax;lmsw ax;
sgdt [rdi];sidt [rdi];sldt eax;str ecx;lgdt [gdt_ptr];lidt [idt_ptr];lldt dx;lar eax,cx|;lsl eax,cx;verr cx;verw cx;
mov ax,ds;mov es,dx;lfs eax,[farptr];lgs ecx,[farptr];lss ecx,[sstack];swapgs;wbinvd;invd;invlpg [rsi];movnti [rdi],rax;lfence;mfence;
sfence;clflush [rsi];prefetcht0 [rsi];cpuid_1
"""
X87 = """
fninit;fld1;fldz;fldpi;fldl2e;fld qword ptr [rsi];fld tbyte ptr [rsi+32];fild dword ptr [rsi];fild qword ptr [rsi];fbld [bcd];
fadd st,st(1);fsub st(1),st;fmul dword ptr [rsi+8];fdiv st,st(1);fsqrt;fabs;fchs;frndint;fscale;fprem;fxtract;fsin;fcos;
fptan;fpatan;f2xm1;fyl2x;fcom st(1);fcomi st,st(1);fucomip st,st(1);ftst;fxam;fxch;ffree st(2);fincstp;fdecstp;fnop;
fst qword ptr [rdi];fstp tbyte ptr [rdi];fistp qword ptr [rdi];fist dword ptr [rdi];fbstp [rdi];fnstcw [rdi];fldcw [cw];fnstsw ax;
fnstsw [rdi];fnclex;fnstenv [rdi];fldenv [rdi+64];fnsave [rdi];fxsave [rdi];fxrstor [rdi];emms;fcmovb st,st(1)
"""
SIMD = """
movaps xmm0,[rsi];movups xmm1,[rsi+3];movdqa xmm2,[rsi];movdqu [rdi+1],xmm1;movd xmm3,eax;movq rax,xmm1;movq [rdi],xmm2;
movss xmm0,[rsi];movsd xmm1,[rsi];addps xmm0,xmm1;mulpd xmm1,[rsi];subss xmm0,[rsi];divsd xmm1,xmm2;sqrtps xmm0,xmm1;
maxps xmm0,xmm2;minpd xmm1,xmm0;cmpltps xmm0,xmm1;andps xmm0,xmm1;xorpd xmm1,xmm2;shufps xmm0,xmm1,0x1b;unpcklps xmm0,xmm1;
cvtsi2sd xmm0,rax;cvttsd2si eax,xmm1;cvtps2pd xmm0,xmm1;cvtdq2ps xmm1,xmm2;ucomisd xmm0,xmm1;comiss xmm0,xmm1;
paddb xmm0,xmm1;psubd xmm1,xmm2;pmullw xmm0,xmm1;pmuludq xmm0,xmm2;pmaddwd xmm1,xmm0;pand xmm0,xmm1;pxor xmm2,xmm1;
psllq xmm0,5;psrldq xmm1,3;pshufd xmm0,xmm1,0x1b;packsswb xmm0,xmm1;punpckhbw xmm0,xmm1;pmovmskb eax,xmm0;movmskpd ecx,xmm1;
pcmpeqb xmm0,xmm1;pavgb xmm0,xmm1;psadbw xmm1,xmm2;pextrw eax,xmm0,3;pinsrw xmm0,ecx,2;maskmovdqu xmm0,xmm1;movntdq [rdi],xmm0;
ldmxcsr [mxcsr];stmxcsr [rdi];movq mm0,rax;paddd mm0,[rsi];pmaddwd mm1,mm0;movq2dq xmm0,mm0;movdq2q mm1,xmm1
"""
FLOW = """
jmp 1f;call 1f;jz 1f;jrcxz 1f;loop 1f;call_ret;int3_0;iretq_0;lretq_0;retq_0;ljmp_0;lcall_0;int_0;sti_0;cli
"""
# Names that stand for several lines; each ends in the label 1.
SPECIAL = {
    "fxsave [rdi]": ["fninit", "fxsave [rdi]"], # AMD's leaves out where the last x87 instruction was
    "cpuid_1": ["mov eax, 1", "xor ecx, ecx", "cpuid", "xor eax, eax", "xor ebx, ebx", "xor ecx, ecx", "and edx, 0x0700"],
    "call_ret": ["call 2f", "jmp 1f", "2: ret"],
    "lmsw ax": ["mov eax, 3", "lmsw ax"],
    "popfq": ["push 0x8d7", "popfq"],
    "pop fs": ["push 16", "pop fs"],
    "pop gs": ["push 0", "pop gs"],
    "int3_0": ["int3"],
    "iretq_0": ["mov r9, rsp", "push 16", "push r9", "pushfq", "push 8", "push offset 1f", "iretq"],
    "lretq_0": ["push 8", "push offset 1f", "rex64 retf"],
    "retq_0": ["push offset 1f", "ret"],
    "ljmp_0": ["mov dword ptr [rdi + 4], 8", "mov dword ptr [rdi], offset 1f", "jmp fword ptr [rdi]"],
    "lcall_0": ["mov dword ptr [rdi + 4], 8", "mov dword ptr [rdi], offset 1f", "call fword ptr [rdi]"],
    "int_0": ["int 0x55"],
    "sti_0": ["sti", "nop", "cli"],
}
def items():
    for group in (INTEGER, X87, SIMD, FLOW):
        for text in group.replace("\n", "").split(";"):
            insn, _, undefined = text.partition("|")
            if insn:
                mask = ALL_FLAGS
                for u in undefined:
                    mask &= ~UNDEFINED[u]
                yield insn, mask


def source():
    """The guest: for each item a line 'number result' of hexadecimal digits on the debug port."""
    out = ["""
    main:
        mov al, 0xff
        out 0x21, al
        out 0xa1, al
"""]
    for n, (insn, mask) in enumerate(items()):
        lines = SPECIAL.get(insn, [insn])
        out.append(f"""
        mov eax, {n}
        call hex4
        call space
        call setup
        mov qword ptr [saved_rsp], rsp
        mov qword ptr [resume], offset 1f   /* after an exception, which is printed */
        """ + "\n        ".join(lines) + f"""
    1:  mov rsp, [saved_rsp]
        mov r14d, {mask:#x}
        call result
""")
    out.append("""
        exit 0x10

    setup:                          /* the same registers and memory for each */
        cld
        fninit
        .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        pxor xmm\\n, xmm\\n
        .endr
        ldmxcsr [mxcsr]
        mov ebp, 0x301000
        mov edi, 0x300000
        mov ecx, 0x1400 / 8
        mov rax, 0x0123456789abcdef
    1:  mov [rdi], rax
        add rdi, 8
        imul rax, rax, 0x41c64e6d
        ror rax, 11
        add rax, 0x3039
        loop 1b
        mov edi, 0x300400           /* an image that FXRSTOR takes */
        fxsave [rdi]
        mov esi, 0x300800
        mov edi, 0x300400
        mov rax, 0x3ff8000000000000
        mov [rsi], rax
        mov rax, 0x4004000000000000
        mov [rsi + 8], rax
        mov dword ptr [rsi + 32], 0x12345678
        mov dword ptr [rsi + 36], 0x89abcdef
        mov dword ptr [rsi + 40], 0x4005
        mov qword ptr [rsi + 16], 0x40490fdb
        mov qword ptr [rsi + 24], 0x3fc90fdb
        fld qword ptr [rsi]
        fld qword ptr [rsi + 8]
        fld1
        movups xmm0, [rsi]
        movups xmm1, [rsi + 16]
        movups xmm2, [rsi + 8]
        xor edx, edx
        mov rax, 0x1234567
        mov rbx, 0x89abcdef00112233
        mov ecx, 0x10
        mov ebx, 0x7654321
        mov r8d, 0x88888888
        mov r9d, 0x99999999
        cmp eax, ebx
        ret

        .macro mix what             /* into R15: a checksum */
        xor r15, \\what
        imul r15, r13
        rol r15, 23
        .endm
    result:
        pushfq
        cld
        pop r12
        and r12, r14
        mov r13, 0x9e3779b97f4a7c15
        xor r15d, r15d
        mix r12
        mix rax
        mix rbx
        mix rcx
        mix rdx
        mix rsi
        mix rdi
        mix rbp
        mix r8
        mix r9
        movups [0x301800], xmm0
        movups [0x301810], xmm1
        movups [0x301820], xmm2
        fnstsw ax
        and eax, 0x3f00
        mix rax
        fnclex
        fstp tbyte ptr [0x301830]
        fwait
        mov rax, [0x301830]
        mix rax
        mov esi, 0x300400
        mov ecx, 52                 /* what is behind the XMM registers in FXSAVE's area may be written or not */
    1:  mov rax, [rsi]
        cmp ecx, 52 - 3             /* the mask of MXCSR is the host's */
        je 2f
        mix rax
    2:  add rsi, 8
        loop 1b
        mov esi, 0x301800
        mov ecx, 6
    1:  mov rax, [rsi]
        mix rax
        add rsi, 8
        loop 1b
        fninit
        mov rax, r15
        call hex8
        mov rax, r15
        shr rax, 32
        call hex8
        mov al, 10
        jmp c8

        .balign 16
    saved_rsp:
        .quad 0
    farptr:
        .long 0x1234
        .word 16
    sstack:
        .long STACK
        .word 16
        .balign 16
    bcd:
        .byte 0x12, 0x34, 0x56, 0x78, 0x90, 0, 0, 0, 0, 0x80
    cw: .word 0x27f
    mxcsr:
        .long 0x1f80
""")
    return "\n".join(out)
