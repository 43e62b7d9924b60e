/* svm: every SVM intercept that 64-bit code can reach, one after the other, with and without its bit.
 * arg -cpu arg max
 * A line is exit code, EXITINFO1 and 2 where both emulators define them, and rIP from the start of the code. */
        .macro item code, what          /* the code follows; another item ends it */
        vmmcall
    item\@:
        .section .data
        .long 0
        .quad item\@
        .word \code, \what
        .text
        .endm

    main:
        put 1
        call svm_setup
        mov ebp, offset items
    next_item:
        mov eax, [rbp]
        cmp eax, -1
        je done
        xor r15d, r15d                  /* first with the intercept, then without */
    again:
        call fresh_vmcb
        mov rax, [rbp + 4]
        mov [V + 0x578], rax
        mov r14, rax
        movzx ecx, word ptr [rbp + 12]
        test r15d, r15d
        jnz 1f
        bts dword ptr [V], ecx          /* its bit, of six words */
        cmp ecx, 0x64                   /* a virtual interrupt needs more */
        jne 1f
        mov dword ptr [V + 0x60], 0x01180100
    1:  call enter
        movzx ecx, word ptr [rbp + 14]
        call report
        test ecx, ONCE
        jnz 1f
        inc r15d
        cmp r15d, 2
        jb again
    1:  call newline
        add ebp, 16
        jmp next_item
    done:
        put 33
        exit 0x10

        .section .data
        .balign 16
    descriptor:
        .word 0xfff
        .quad IDT
        .balign 16
    items:
        .text
        item 0x00, 0
        mov rax, cr0
        item 0x02, 0
        mov rax, cr2
        item 0x03, 0
        mov rax, cr3
        item 0x04, 0
        mov r9, cr4
        item 0x08, 0
        mov rax, cr8
        item 0x12, 0
        mov cr2, rax
        item 0x10, 0
        mov rax, cr0
        mov cr0, rax
        item 0x13, 0
        mov rax, cr3
        mov cr3, rax
        item 0x14, 0
        mov rax, cr4
        mov cr4, rax
        item 0x18, 0
        xor eax, eax
        mov cr8, rax
        item 0x20, 0
        mov rax, dr0
        item 0x23, 0
        mov rax, dr3
        item 0x26, 0
        mov rax, dr6
        item 0x27, 0
        mov rax, dr7
        item 0x31, 0
        mov dr1, rax
        item 0x32, 0
        mov dr2, rax
        item 0x37, 0
        mov eax, 0x400
        mov dr7, rax
        item 0x66, 0
        sidt [rip + scratch]
        item 0x67, 0
        sgdt [rip + scratch]
        item 0x68, 0
        sldt ax
        item 0x69, 0
        str ax
        item 0x6a, 0
        lidt [rip + descriptor]
        item 0x6c, 0
        xor eax, eax
        lldt ax
        item 0x6e, 0
        rdtsc
        item 0x70, 0
        pushf
        item 0x71, 0
        push 2
        popf
        item 0x72, 0
        xor eax, eax
        cpuid
        item 0x75, 0
        int 0x80
        item 0x79, 0
        invlpg [rdi]
        item 0x7a, 0
        xor eax, eax
        xor ecx, ecx
        invlpga rax, ecx
        item 0x7b, INFO1
        mov edx, 0x80
        out dx, al
        item 0x7b, INFO1
        mov edx, 0x80
        in al, dx
        item 0x7b, INFO1
        in eax, 0x80
        item 0x7b, INFO1
        out 0x80, ax
        item 0x7b, INFO1
        mov edx, 0x0f
        in ax, dx
        item 0x7b, INFO1
        mov edx, 0x0f
        in al, dx
        item 0x7c, INFO1
        mov ecx, 0xc0000082
        rdmsr
        item 0x7c, INFO1
        mov ecx, 0xc0000082
        xor eax, eax
        xor edx, edx
        wrmsr
        item 0x7c, INFO1
        mov ecx, 0x174
        rdmsr
        item 0x80, 0
        mov eax, 0x301000
        vmrun
        item 0x84, 0
        stgi
        item 0x89, 0
        wbinvd
        item 0x78, ONCE
        hlt
        item 0x40, 0
        xor ecx, ecx
        div ecx
        item 0x46, 0
        ud2
        item 0x4d, INFO1
        mov eax, 0x48
        mov ds, ax
        mov fs, eax
        mov eax, 0xfff8
        mov ds, ax
        item 0x4e, INFO1 + INFO2
        mov rbx, 0xffffffff80001234
        mov [rbx], al
        item 0x4e, INFO1 + INFO2
        mov rbx, 0xffffffff80001234
        jmp rbx
        item 0x64, NORIP
        nop
        item 0x7f, NORIP + ONCE
        lidt [rip + zero]
        ud2
        vmmcall
        .section .data
        .long -1
    zero:
        .quad 0, 0
        .text
