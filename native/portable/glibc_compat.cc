// Lets an addon that was linked on a new glibc load on an old one.
//
// The linker binds every libc function to its newest version, and libstdc++.a and libcudart_static.a were compiled
// against whatever the build machine has. For each function below that gained a newer version without changing what we
// use of it, a hidden function of the same name jumps to the oldest version; being found first, it serves our objects
// and the archives alike. Functions that are newer than the floor altogether are defined here. Only the linked-in ones
// survive --gc-sections. Built for x86-64 and glibc only (cmake/Portable.cmake); the test of the installed package
// asserts the resulting floor.
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#define BIND(name, version)                                   \
  __asm__(".pushsection .text.glibc." #name                   \
          ",\"ax\",@progbits\n"                               \
          ".symver oldest_" #name "," #name "@GLIBC_" version \
          "\n"                                                \
          ".globl " #name                                     \
          "\n"                                                \
          ".hidden " #name                                    \
          "\n"                                                \
          ".type " #name ",@function\n" #name                 \
          ":\n"                                               \
          "jmp *oldest_" #name                                \
          "@GOTPCREL(%rip)\n"                                 \
          ".size " #name ",.-" #name                          \
          "\n"                                                \
          ".popsection\n")

// 2.34 moved libpthread, libdl and librt into libc.
BIND(dlopen, "2.2.5");
BIND(dlclose, "2.2.5");
BIND(dlsym, "2.2.5");
BIND(dlvsym, "2.2.5");
BIND(dlerror, "2.2.5");
BIND(dladdr, "2.2.5");
BIND(dlmopen, "2.3.4");
BIND(pthread_create, "2.2.5");
BIND(pthread_join, "2.2.5");
BIND(pthread_detach, "2.2.5");
BIND(pthread_kill, "2.2.5");
BIND(pthread_once, "2.2.5");
BIND(pthread_key_create, "2.2.5");
BIND(__pthread_key_create, "2.2.5");
BIND(pthread_key_delete, "2.2.5");
BIND(pthread_getspecific, "2.2.5");
BIND(pthread_setspecific, "2.2.5");
BIND(pthread_mutex_trylock, "2.2.5");
BIND(pthread_mutexattr_init, "2.2.5");
BIND(pthread_mutexattr_destroy, "2.2.5");
BIND(pthread_mutexattr_settype, "2.2.5");
BIND(pthread_mutexattr_setpshared, "2.2.5");
BIND(pthread_condattr_setclock, "2.3.3");
BIND(pthread_condattr_setpshared, "2.2.5");
BIND(pthread_rwlock_init, "2.2.5");
BIND(pthread_rwlock_destroy, "2.2.5");
BIND(pthread_rwlock_rdlock, "2.2.5");
BIND(pthread_rwlock_wrlock, "2.2.5");
BIND(pthread_rwlock_tryrdlock, "2.2.5");
BIND(pthread_rwlock_trywrlock, "2.2.5");
BIND(pthread_rwlock_timedrdlock, "2.2.5");
BIND(pthread_rwlock_timedwrlock, "2.2.5");
BIND(pthread_rwlock_unlock, "2.2.5");
BIND(pthread_rwlockattr_init, "2.2.5");
BIND(pthread_rwlockattr_destroy, "2.2.5");
BIND(pthread_rwlockattr_setpshared, "2.2.5");
BIND(pthread_spin_init, "2.2.5");
BIND(pthread_spin_destroy, "2.2.5");
BIND(pthread_spin_lock, "2.2.5");
BIND(pthread_spin_trylock, "2.2.5");
BIND(pthread_spin_unlock, "2.2.5");
BIND(pthread_setaffinity_np, "2.3.4");
BIND(pthread_getaffinity_np, "2.3.3");
BIND(pthread_setname_np, "2.12");
BIND(sem_init, "2.2.5");
BIND(sem_destroy, "2.2.5");
BIND(sem_wait, "2.2.5");
BIND(sem_timedwait, "2.2.5");
BIND(sem_trywait, "2.2.5");
BIND(sem_post, "2.2.5");
BIND(shm_open, "2.2.5");
BIND(shm_unlink, "2.2.5");

// 2.29 and 2.35 gave these a version that no longer calls matherr().
BIND(exp, "2.2.5");
BIND(log, "2.2.5");
BIND(pow, "2.2.5");
BIND(exp2, "2.2.5");
BIND(log2, "2.2.5");
BIND(hypot, "2.2.5");

#define HIDDEN __attribute__((visibility("hidden")))

extern "C" {

// 2.32; "no" is always right.
HIDDEN char __libc_single_threaded = 0;

// 2.36; libstdc++'s std::random_device prefers it.
HIDDEN uint32_t arc4random() {
  uint32_t value = 0;
  while (syscall(SYS_getrandom, &value, sizeof value, 0) != sizeof value) {
  }
  return value;
}

// Up to 2.33 these were macros around functions that take the layout's version, which is 1 on x86-64.
int oldest_xstat(int version, const char* path, struct stat* status);
int oldest_lxstat(int version, const char* path, struct stat* status);
int oldest_fxstat(int version, int file, struct stat* status);
__asm__(".symver oldest_xstat,__xstat@GLIBC_2.2.5");
__asm__(".symver oldest_lxstat,__lxstat@GLIBC_2.2.5");
__asm__(".symver oldest_fxstat,__fxstat@GLIBC_2.2.5");

HIDDEN int stat(const char* path, struct stat* status) noexcept { return oldest_xstat(1, path, status); }
HIDDEN int lstat(const char* path, struct stat* status) noexcept { return oldest_lxstat(1, path, status); }
HIDDEN int fstat(int file, struct stat* status) noexcept { return oldest_fxstat(1, file, status); }
HIDDEN int stat64(const char* path, struct stat64* status) noexcept {
  return oldest_xstat(1, path, reinterpret_cast<struct stat*>(status));
}
HIDDEN int lstat64(const char* path, struct stat64* status) noexcept {
  return oldest_lxstat(1, path, reinterpret_cast<struct stat*>(status));
}
HIDDEN int fstat64(int file, struct stat64* status) noexcept {
  return oldest_fxstat(1, file, reinterpret_cast<struct stat*>(status));
}

}  // extern "C"
