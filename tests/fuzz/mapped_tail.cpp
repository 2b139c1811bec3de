// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Makes the address sanitizer see reads beyond the end of a mapped file.
///
/// The last page of a mapping goes on after the file's end, full of zeros: a reader that goes too far is not
/// noticed. Linked with `-Wl,--wrap=mmap,--wrap=munmap`, these two poison that rest. Without the sanitizer
/// they do nothing.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

#include <support/address_sanitizer.hpp>

#if DNALM_TEST_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

extern "C" {

void* __real_mmap(void* address, std::size_t size, int protection, int flags, int descriptor, off_t offset);
int __real_munmap(void* address, std::size_t size);
void* __wrap_mmap(void* address, std::size_t size, int protection, int flags, int descriptor, off_t offset);
int __wrap_munmap(void* address, std::size_t size);

void* __wrap_mmap(void* address, std::size_t size, int protection, int flags, int descriptor, off_t offset) {
  void* const place = __real_mmap(address, size, protection, flags, descriptor, offset);
#if DNALM_TEST_ADDRESS_SANITIZER
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t whole = (size + page - 1) / page * page;
  if (place != MAP_FAILED) ASAN_POISON_MEMORY_REGION(static_cast<char*>(place) + size, whole - size);
#endif
  return place;
}

int __wrap_munmap(void* address, std::size_t size) {
#if DNALM_TEST_ADDRESS_SANITIZER
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  ASAN_UNPOISON_MEMORY_REGION(address, (size + page - 1) / page * page);
#endif
  return __real_munmap(address, size);
}

}  // extern "C"
