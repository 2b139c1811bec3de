// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A PyTorch checkpoint: any bytes that begin with `PK` as the file, others as its pickle.
///
/// As a pickle they stand in an archive with right checksums beside storages `0` to `3` of 64 bytes each and
/// one, `4`, that is compressed; so the fuzzer reaches what gives tensors their storages.
#include <cstring>

#include <dnalm/io/torch_checkpoint.hpp>

#include "fuzz_support.hpp"

namespace {

using namespace dnalm_fuzz;
using dnalm::io::torch_checkpoint;

std::string archive_around(std::string_view pickle) {
  static const std::string storage = [] {
    std::string bytes;
    for (int i = 0; i < 64; ++i) bytes += static_cast<char>(i * 7);
    return bytes;
  }();
  zip_builder archive;
  archive.add("archive/data.pkl", pickle);
  for (const char* key : {"0", "1", "2", "3"}) archive.add(std::string("archive/data/") + key, storage);
  archive.add("archive/data/4", storage, true);
  archive.add("archive/version", "3\n");
  return archive.finish();
}

void check_tensors(const torch_checkpoint& mapped, const torch_checkpoint& buffered) {
  promise(mapped.tensors().size() == buffered.tensors().size(), "both accesses find the same tensors");
  for (const auto& info : mapped.tensors()) {
    promise(mapped.contains(info.name), "tensors are found by name");
    if (info.size() > (index_t{1} << 20)) continue;  // strides of 0 make large tensors of small files
    std::vector<float> one(static_cast<std::size_t>(info.size()));
    std::vector<float> two(one.size());
    const bool read = guarded([&] { read_stored(mapped.tensor(info.name), std::span<float>(one)); }, "");
    promise(read == guarded([&] { read_stored(buffered.tensor(info.name), std::span<float>(two)); }, ""),
            "both accesses agree on errors");
    promise(one.empty() || std::memcmp(one.data(), two.data(), 4 * one.size()) == 0,
            "both accesses give the same numbers");
    if (read) (void)dnalm::io::find_non_finite(mapped.tensor(info.name));
    buffered.forget(info.name);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static memory_file file("torch");
  const std::string path = file.path();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  file.fill(text.substr(0, 2) == "PK" ? std::string(text) : archive_around(text));
  for (const auto selection :
       {dnalm::io::torch_selection::state_dict, dnalm::io::torch_selection::everything}) {
    guarded(
        [&] {
          const torch_checkpoint mapped(path, selection);
          const torch_checkpoint buffered(path, selection, dnalm::io::file_access::buffered);
          check_tensors(mapped, buffered);
        },
        path);
  }
  return 0;
}
