// SPDX-License-Identifier: Apache-2.0
// Sites of a motif on both strands, with the p-value of each score.
#include <iostream>

#include <dnalm/attribution/motif_scan.hpp>

int main() {
  // Counts of GATA, one row a column: A C G T.
  const dnalm::io::motif gata{.name = "GATA", .counts = {0, 0, 53, 0, 53, 0, 0, 0, 0, 0, 1, 52, 52, 1, 0, 0}};
  const dnalm::motif_scorer scorer(gata, {.background = {0.3, 0.2, 0.2, 0.3}, .pseudocount = 0.1});
  for (const auto& hit : dnalm::find_motifs({&scorer, 1}, "CCGATAACNNTATCGG", 0.01)) {
    std::cout << hit.start << (hit.reverse ? " - " : " + ") << hit.score << " bits, p " << hit.p_value
              << '\n';
  }
}
