// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Any bytes as a file of motifs: four finite counts from 0 a column, with a sum above 0.
#include <cmath>

#include <dnalm/io/motif_file.hpp>

#include "fuzz_support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dnalm_fuzz;
  static memory_file file("motifs");
  const std::string path = file.path();
  file.fill({reinterpret_cast<const char*>(data), size});
  guarded(
      [&] {
        const auto list = dnalm::io::read_motifs(path);
        promise(!list.motifs.empty(), "a file holds motifs or is refused");
        for (const auto& motif : list.motifs) {
          promise(!motif.name.empty(), "a motif has a name");
          promise(motif.width() >= 1 && motif.width() <= 10000, "a motif has columns");
          for (std::size_t i = 0; i < motif.counts.size(); i += 4) {
            double sum = 0;
            for (std::size_t a = i; a < i + 4; ++a) {
              promise(std::isfinite(motif.counts[a]) && motif.counts[a] >= 0, "counts are finite, from 0");
              sum += motif.counts[a];
            }
            promise(std::isfinite(sum) && sum > 0, "a column has a sum above 0");
          }
        }
        if (list.background) {
          double sum = 0;
          for (const double b : *list.background) sum += b;
          promise(std::abs(sum - 1) < 1e-9, "a background has the sum 1");
        }
      },
      path);
  return 0;
}
