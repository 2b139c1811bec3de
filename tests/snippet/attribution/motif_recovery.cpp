// SPDX-License-Identifier: Apache-2.0
// Do maps find a motif? The numbers within its sites against those outside.
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/attribution/motif_recovery.hpp>

int main() {
  const dnalm::io::motif gata{.name = "GATA", .counts = {0, 0, 53, 0, 53, 0, 0, 0, 0, 0, 1, 52, 52, 1, 0, 0}};
  const std::vector<dnalm::motif_scorer> motifs = {dnalm::motif_scorer(gata)};
  dnalm::motif_recovery_collector collector(motifs);
  const std::vector<std::string> sequences = {"CCGATACC", "GATACCCC", "CCCCGATA"};
  const std::vector<std::vector<double>> maps = {
      {0, 1, 3, -4, 5, 2, 1, 0}, {2, 3, -2, 1, 1, 0, 1, 0}, {1, 0, 0, 1, 4, 2, -3, 2}};
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    collector.add(sequences[i], maps[i], dnalm::find_motifs(motifs, sequences[i], 0.01));
  }
  const dnalm::motif_recovery found = collector.result(0);
  std::cout << found.hits << " sites in " << found.sequences << " sequences: " << found.mean_inside
            << " inside, " << found.mean_outside << " outside\n"
            << "AUROC " << found.mean_auroc << ", with sites of other sequences " << found.control_auroc
            << '\n';
}
