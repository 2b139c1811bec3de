// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Runs a fuzz target over files and folders of files; for compilers without libFuzzer, and as a test.
///
/// `fuzz_<target> PATH...` prints how many inputs it ran. It fails when there are none, and dies of a
/// finding.
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

#include <support/address_sanitizer.hpp>

#include "fuzz_support.hpp"

namespace {

/// 2 GiB, as the fuzzers have it: a reader that believes a size a file states fails here. Not under the
/// address sanitizer, which reserves address space of its own.
void limit_memory() {
#if !DNALM_TEST_ADDRESS_SANITIZER
  const rlimit limit{rlim_t{2} << 30, rlim_t{2} << 30};
  ::setrlimit(RLIMIT_AS, &limit);
#endif
}

void run_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) dnalm_fuzz::finding("cannot read " + file.string());
  const std::vector<char> bytes(std::istreambuf_iterator<char>(stream), {});
  std::cerr << file.filename().string() << '\n';  // the last line names the input that ends the process
  // A copy without spare room, so that the address sanitizer sees a read beyond the end.
  const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
  (void)LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int count, char** paths) {
  limit_memory();
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < count; ++i) {
    if (!std::filesystem::exists(paths[i])) {
      std::cerr << paths[i] << ": no such corpus\n";
      return 1;
    }
    if (!std::filesystem::is_directory(paths[i]))
      files.emplace_back(paths[i]);
    else
      for (const auto& entry : std::filesystem::directory_iterator(paths[i])) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) run_file(file);
  std::cout << files.size() << " inputs\n";
  return files.empty() ? 1 : 0;
}
