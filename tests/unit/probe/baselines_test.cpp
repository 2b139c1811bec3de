// SPDX-License-Identifier: Apache-2.0
#include <dnalm/probe/baselines.hpp>

#include <support/catch.hpp>

#include <cmath>

using dnalm::index_t;
using dnalm_test::error_id_of;

TEST_CASE("one-hot rows are aligned at the start and padded with zeros", "[probe]") {
  const std::vector<std::string> sequences{"ACGT", "nt", ""};
  const auto features = dnalm::one_hot_matrix(sequences);
  REQUIRE(features.rows() == 3);
  REQUIRE(features.columns() == 16);
  for (index_t i = 0; i < 4; ++i) {
    for (index_t a = 0; a < 4; ++a) {
      REQUIRE(features(0, 4 * i + a) == (a == i ? 1.0F : 0.0F));
      REQUIRE(features(1, 4 * i + a) == (i == 1 && a == 3 ? 1.0F : 0.0F));
      REQUIRE(features(2, 4 * i + a) == 0.0F);
    }
  }
  REQUIRE(dnalm::one_hot_matrix(sequences, 2).columns() == 8);
  REQUIRE(dnalm::longest_sequence(sequences) == 4);
}

TEST_CASE("k-mer features are frequencies of windows without N, then GC", "[probe]") {
  REQUIRE(dnalm::kmer_feature_count() == 1365);
  std::vector<float> row(static_cast<std::size_t>(dnalm::kmer_feature_count(2)));
  dnalm::kmer_features("AACNGAA", 2, {row.data(), static_cast<index_t>(row.size())});
  // letters: A 4, C 1, G 1 of 6; pairs: AA 2, AC 1, GA 1 of 4
  REQUIRE(row[0] == Approx(4.0 / 6));
  REQUIRE(row[1] == Approx(1.0 / 6));
  REQUIRE(row[2] == Approx(1.0 / 6));
  REQUIRE(row[3] == 0);
  REQUIRE(row[4 + 0] == 0.5F);
  REQUIRE(row[4 + 1] == 0.25F);
  REQUIRE(row[4 + 8] == 0.25F);
  REQUIRE(row[20] == Approx(2.0 / 6));
  float sum = 0;
  for (std::size_t i = 4; i < 20; ++i) sum += row[i];
  REQUIRE(sum == 1.0F);
}

TEST_CASE("k-mer features equal counting every window by its text", "[probe]") {
  const std::string sequence = "ACGTTGCANACCGTAGGCTANNACGTAcgtacg";
  std::string upper = sequence;
  for (char& letter : upper) letter = static_cast<char>(std::toupper(letter));
  const std::vector<std::string> one{sequence};
  const auto features = dnalm::kmer_matrix(one, 4);
  index_t column = 0;
  for (std::size_t k = 1; k <= 4; ++k) {
    const auto kmers = static_cast<index_t>(std::pow(4, k));
    for (index_t number = 0; number < kmers; ++number, ++column) {
      std::string kmer(k, ' ');
      for (std::size_t i = 0, rest = static_cast<std::size_t>(number); i < k; ++i, rest /= 4) {
        kmer[k - 1 - i] = "ACGT"[rest % 4];
      }
      double hits = 0;
      double windows = 0;
      for (std::size_t i = 0; i + k <= upper.size(); ++i) {
        const auto window = upper.substr(i, k);
        if (window.find('N') != std::string::npos) continue;
        windows += 1;
        hits += window == kmer ? 1 : 0;
      }
      REQUIRE(features(0, column) == Approx(hits / windows));
    }
  }
}

TEST_CASE("baseline features of short, empty and wrong sequences", "[probe]") {
  const auto features = dnalm::kmer_matrix(std::vector<std::string>{"", "NN", "A"});
  for (index_t c = 0; c < 1365; ++c) {
    REQUIRE(features(0, c) == 0);
    REQUIRE(features(1, c) == 0);
    REQUIRE(features(2, c) == (c == 0 ? 1.0F : 0.0F));
  }
  REQUIRE(error_id_of([] { (void)dnalm::kmer_matrix(std::vector<std::string>{"ACU"}); }) ==
          "dnalm.input.542");
  REQUIRE(error_id_of([] { (void)dnalm::one_hot_matrix(std::vector<std::string>{"AC-"}); }) ==
          "dnalm.input.542");
  REQUIRE(error_id_of([] { (void)dnalm::kmer_feature_count(0); }) == "dnalm.usage.545");
  float small[3];
  REQUIRE(error_id_of([&] { dnalm::one_hot_features("A", 1, {small, 3}); }) == "dnalm.shape.520");
}
