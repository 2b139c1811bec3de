// SPDX-License-Identifier: Apache-2.0
// Features that know nothing of a language model: one-hot letters, and k-mer frequencies with GC content.
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/probe/baselines.hpp>

int main() {
  const std::vector<std::string> sequences = {"ACGT", "GGC"};
  const auto letters = dnalm::one_hot_matrix(sequences);
  const auto kmers = dnalm::kmer_matrix(sequences, 2);
  std::cout << "one-hot " << letters.rows() << " x " << letters.columns() << ", k-mers " << kmers.rows()
            << " x " << kmers.columns() << "\n";
  std::cout << "GG in " << sequences[1] << ": " << kmers(1, 4 + 2 * 4 + 2) << ", GC "
            << kmers(1, kmers.columns() - 1) << "\n";
}
