/* clones - one function, compiled for several instruction sets, chosen when the program starts.
 *
 * All versions do the same operations in the same order, and contraction is off, so they give
 * the same bits. Sanitizers run before the choice can be made: with them there is one version.
 */
#ifndef ENGINE_CLONES_H
#define ENGINE_CLONES_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ENGINE_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define ENGINE_CLONES
#endif

/* Before a loop whose output may be the very array it reads, element by element. */
#if defined(__clang__)
#define ENGINE_ELEMENTWISE _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define ENGINE_ELEMENTWISE _Pragma("GCC ivdep")
#else
#define ENGINE_ELEMENTWISE
#endif

#endif
