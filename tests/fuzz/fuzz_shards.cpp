// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Any bytes as the index of shards beside two right files, `a.safetensors` (x, y) and `b.safetensors`
/// (z).
#include <dnalm/io/checkpoint.hpp>
#include <dnalm/io/safetensors.hpp>

#include "fuzz_support.hpp"

namespace {

using namespace dnalm_fuzz;

const memory_folder& shards() {
  static const memory_folder folder("shards");
  static const bool written = [] {
    const std::vector<float> numbers = {1, 2, 3, 4, 5, 6};
    dnalm::io::write_safetensors(
        folder.path() / "a.safetensors",
        {dnalm::io::make_tensor("x", numbers, {2, 3}), dnalm::io::make_tensor("y", numbers, {6})});
    dnalm::io::write_safetensors(folder.path() / "b.safetensors",
                                 {dnalm::io::make_tensor("z", numbers, {3, 2})});
    return true;
  }();
  promise(written, "shards can be written");
  return folder;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const memory_folder& folder = shards();
  const std::string name = "model.safetensors.index.json";
  folder.write(name, {reinterpret_cast<const char*>(data), size});
  guarded(
      [&] {
        const auto weights = dnalm::io::checkpoint::open(folder.path() / name);
        promise(!weights.tensors().empty() && weights.files().size() <= 2,
                "only the two shards can be meant");
        for (const auto& info : weights.tensors()) {
          promise(weights.read(info.name).size() == 6, "tensors are those of the shards");
          promise(weights.file_of(info.name).parent_path() == folder.path(), "shards lie beside the index");
        }
      },
      folder.path().string());
  return 0;
}
