// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Any bytes as a file of weights whose format is told by its content: both ways of access agree.
#include <cstring>

#include <dnalm/io/checkpoint.hpp>

#include "fuzz_support.hpp"

namespace {

using namespace dnalm_fuzz;
using dnalm::io::checkpoint;
using dnalm::io::file_access;

void check_tensor(const checkpoint& mapped, const checkpoint& buffered, const dnalm::io::tensor_info& info) {
  promise(mapped.contains(info.name) && buffered.contains(info.name), "tensors are found by name");
  if (info.size() > (index_t{1} << 20)) return;  // strides of 0 make large tensors of small files
  std::vector<float> one;
  std::vector<float> two;
  const bool read = guarded([&] { one = mapped.read(info.name); });
  promise(read == guarded([&] { two = buffered.read(info.name); }), "both accesses agree on errors");
  if (!read) return;
  promise(static_cast<index_t>(one.size()) == info.size() && one.size() == two.size(),
          "as many numbers as stated");
  promise(one.empty() || std::memcmp(one.data(), two.data(), 4 * one.size()) == 0,
          "both accesses give the same numbers");
  promise(mapped.find_non_finite(info.name) < info.size(), "the first NaN is an element");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static memory_file file("weights");
  const std::string path = file.path();
  file.fill({reinterpret_cast<const char*>(data), size});
  guarded(
      [&] {
        const auto mapped = checkpoint::open(path);
        const auto buffered = checkpoint::open(path, file_access::buffered);
        promise(mapped.tensors().size() == buffered.tensors().size(), "both accesses find the same tensors");
        for (const auto& info : mapped.tensors()) check_tensor(mapped, buffered, info);
      },
      path);
  return 0;
}
