// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Any bytes as a safetensors file: opened, read whole in both ways of access, written again.
#include <cstring>

#include <dnalm/io/safetensors.hpp>

#include "fuzz_support.hpp"

namespace {

using namespace dnalm_fuzz;
using dnalm::io::safetensors_file;

/// Elements lie in the file one tensor after the other: sizes add up to less than the file.
void check_sizes(const safetensors_file& file, std::size_t file_size) {
  std::size_t total = 0;
  for (const auto& tensor : file.stored()) {
    promise(tensor.contiguous(), "safetensors are contiguous");
    const auto bytes = static_cast<std::size_t>(tensor.info.size() * dnalm::size_of(tensor.info.type));
    promise(tensor.bytes.size() == bytes, "bytes of a tensor fit its shape");
    total += bytes;
  }
  promise(total + 8 <= file_size, "tensors lie inside the file");
}

/// Reads a tensor as float and double; both accesses give the same bits.
void check_values(const safetensors_file& mapped, const safetensors_file& buffered) {
  for (const auto& info : mapped.tensors()) {
    std::vector<float> one;
    std::vector<float> two;
    const bool read = guarded([&] { one = mapped.read(info.name); });
    promise(read == guarded([&] { two = buffered.read(info.name); }), "both accesses agree on errors");
    promise(
        one.size() == two.size() && (one.empty() || std::memcmp(one.data(), two.data(), 4 * one.size()) == 0),
        "both accesses give the same numbers");
    if (!read) continue;
    promise(static_cast<index_t>(one.size()) == info.size(), "as many numbers as the shape says");
    const index_t bad = dnalm::io::find_non_finite(mapped.tensor(info.name));
    promise(bad >= -1 && bad < info.size(), "the first NaN is an element");
    buffered.forget(info.name);
  }
}

/// What was read can be written, and reads back the same.
void check_round_trip(const safetensors_file& file) {
  static const memory_folder folder("safetensors");
  const auto path = folder.path() / "again.safetensors";
  std::vector<dnalm::io::tensor_to_write> tensors;
  for (const auto& tensor : file.stored()) {
    tensors.push_back({tensor.info.name, tensor.info.type, tensor.info.shape, tensor.bytes});
  }
  if (!guarded([&] { dnalm::io::write_safetensors(path, tensors, file.metadata()); })) {
    finding("what was read cannot be written");
  }
  const safetensors_file again(path);
  promise(again.metadata() == file.metadata(), "metadata survive");
  promise(again.tensors().size() == file.tensors().size(), "all tensors survive");
  for (const auto& tensor : file.stored()) {
    const auto& copy = again.tensor(tensor.info.name);
    promise(copy.info.shape == tensor.info.shape && copy.info.type == tensor.info.type,
            "shape and type survive");
    promise(copy.bytes.size() == tensor.bytes.size() &&
                (copy.bytes.empty() ||
                 std::memcmp(copy.bytes.data(), tensor.bytes.data(), copy.bytes.size()) == 0),
            "bytes survive");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static memory_file file("safetensors");
  const std::string path = file.path();
  file.fill({reinterpret_cast<const char*>(data), size});
  guarded(
      [&] {
        const safetensors_file mapped(path);
        const safetensors_file buffered(path, dnalm::io::file_access::buffered);
        check_sizes(mapped, size);
        check_values(mapped, buffered);
        if (size % 8 == 0) check_round_trip(mapped);
      },
      path);
  return 0;
}
