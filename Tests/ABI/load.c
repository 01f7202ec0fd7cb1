/* Milliseconds of CPU and wall time that dlopen of the library takes; its own dependencies count. */
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

int main(int argc, char **argv)
{
    struct timespec start, end;
    if (argc != 2) return 2;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    printf("%.3f\n", (double)(end.tv_sec - start.tv_sec) * 1e3
        + (double)(end.tv_nsec - start.tv_nsec) / 1e6);
    return 0;
}
