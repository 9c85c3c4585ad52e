/* Hides from a program every instruction set of x86 after AVX2, so that engines without a switch can be compared at that level.
 *
 *     cc -O2 -shared -fPIC benches/peers/encode/avx2_only.c -o avx2_only.so
 *     LD_PRELOAD=$PWD/avx2_only.so V/bin/python benches/peers/encode/run.py ...
 *
 * Linux can make CPUID fault where the CPU supports it (flag cpuid_fault in /proc/cpuinfo; arch_prctl(2), ARCH_SET_CPUID). The handler answers
 * in its place, with the bits of AVX-512, AVX-VNNI and AMX cleared. Threads and children inherit it; children load this again. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { ARCH_SET_CPUID = 0x1012 };

static long allow_cpuid(int allowed) { return syscall(SYS_arch_prctl, ARCH_SET_CPUID, (long)allowed); }

static uint32_t without(uint32_t word, const int *bits, int count) {
    for (int i = 0; i < count; i++) word &= ~(UINT32_C(1) << bits[i]);
    return word;
}
#define WITHOUT(word, ...) without(word, (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static void answer(int signal_number, siginfo_t *info, void *context) {
    (void)info;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *code = (const uint8_t *)registers[REG_RIP];
    if (code[0] != 0x0f || code[1] != 0xa2) {
        signal(signal_number, SIG_DFL);
        return;
    }
    const uint32_t leaf = (uint32_t)registers[REG_RAX], part = (uint32_t)registers[REG_RCX];
    uint32_t a = leaf, b, c = part, d;
    allow_cpuid(1);
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    allow_cpuid(0);
    if (leaf == 7 && part == 0) {
        b = WITHOUT(b, 16, 17, 21, 26, 27, 28, 30, 31);
        c = WITHOUT(c, 1, 6, 11, 12, 14);
        d = WITHOUT(d, 2, 3, 8, 22, 23, 24, 25);
    }
    if (leaf == 7 && part == 1) a = WITHOUT(a, 4, 5, 21, 23);
    registers[REG_RAX] = a, registers[REG_RBX] = b, registers[REG_RCX] = c, registers[REG_RDX] = d;
    registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void hold(void) {
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    if (allow_cpuid(0) != 0) {
        fprintf(stderr, "avx2_only: this CPU or kernel cannot make CPUID fault\n");
        exit(2);
    }
}
