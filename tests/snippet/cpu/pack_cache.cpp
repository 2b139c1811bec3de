// SPDX-License-Identifier: Apache-2.0
// The second load of a model maps its packed weights; a matrix of one's own in a cache file.
#include <filesystem>
#include <iostream>
#include <string>

#include <dnalm/cpu/pack_cache.hpp>
#include <dnalm/models/load_model.hpp>

int main(int, char** argv) {
  namespace fs = std::filesystem;
  const fs::path model = fs::path(argv[1]) / "examples/data/models/dnalm-yeast-human-nt2";
  const fs::path folder = fs::temp_directory_path() / "dnalm_snippet_pack_cache";
  for (int run = 0; run < 2; ++run) {
    const auto loaded =
        dnalm::load_model(model, {.weights = dnalm::weight_format::bf16, .pack_cache = folder});
    std::cout << loaded.describe().parameters << " parameters\n";
  }
  dnalm::pack_cache cache(folder, model, {model / "config.json"}, dnalm::weight_format::f32);
  const float numbers[] = {1, 2, 3, 4, 5, 6};
  const auto packed = cache.find_or_pack("my matrix", 2, 3, false, [&] {
    return dnalm::pack_weight(dnalm::matrix_view<const float>{numbers, 2, 3, 3});
  });
  cache.save();
  std::cout << packed.bytes().size() << " bytes, " << (fs::exists(cache.path()) ? "kept" : "lost") << "\n";
  fs::remove_all(folder);
}
