// SPDX-License-Identifier: Apache-2.0
#include <dnalm/sequence/alphabet.hpp>

#include <cmath>
#include <string>

#include <support/catch.hpp>

using dnalm::normalize_sequence;
using dnalm::unknown_policy;
using dnalm_test::error_id_of;

namespace {

std::string message_of(std::string_view text, unknown_policy policy) {
  try {
    static_cast<void>(normalize_sequence(text, policy, "file.fa, record \"chr1\""));
  } catch (const dnalm::error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("normalize upper-cases ACGTN and keeps positions", "[sequence]") {
  REQUIRE(normalize_sequence("acgtnACGTN", unknown_policy::error, "x") == "ACGTNACGTN");
  REQUIRE(normalize_sequence("", unknown_policy::error, "x").empty());
  REQUIRE(normalize_sequence("acRYg-*1N", unknown_policy::n, "x") == "ACNNGNNNN");
}

TEST_CASE("an unknown letter is an error that names record, position from 1 and letter", "[sequence]") {
  const std::string message = message_of("ACGTRA", unknown_policy::error);
  REQUIRE(message.find("dnalm.input.150") != std::string::npos);
  REQUIRE(message.find("file.fa, record \"chr1\"") != std::string::npos);
  REQUIRE(message.find("'R' at position 5") != std::string::npos);
  REQUIRE(message_of("AC GT", unknown_policy::error).find("byte 0x20 at position 3") != std::string::npos);
}

TEST_CASE("U is an error that says RNA, also where unknown letters are read as N", "[sequence]") {
  REQUIRE(message_of("ACGU", unknown_policy::error).find("RNA") != std::string::npos);
  REQUIRE(message_of("acgu", unknown_policy::error).find("'u' at position 4") != std::string::npos);
  REQUIRE(error_id_of([] { static_cast<void>(normalize_sequence("ACGU", unknown_policy::n, "x")); }) ==
          "dnalm.input.151");
}

TEST_CASE("reading unknown letters as N does not swallow blanks, control characters and bytes beyond ASCII",
          "[sequence]") {
  for (const std::string text : {"AC GT", "AC\tG", "A\xC3\xA4", "A\x7F"}) {
    REQUIRE(error_id_of([&] { static_cast<void>(normalize_sequence(text, unknown_policy::n, "x")); }) ==
            "dnalm.input.150");
  }
}

TEST_CASE("literal passes any text as it is", "[sequence]") {
  const std::string text = "acgt<mask> \xC3\xA4 RYU";
  REQUIRE(normalize_sequence(text, unknown_policy::literal, "x") == text);
}

TEST_CASE("reverse complement is its own inverse and keeps case", "[sequence]") {
  REQUIRE(dnalm::reverse_complement("ACGTNaccgtn") == "nacggtNACGT");
  const std::string text = "AACCGGTTNacgtn";
  REQUIRE(dnalm::reverse_complement(dnalm::reverse_complement(text)) == text);
  REQUIRE(error_id_of([] { static_cast<void>(dnalm::reverse_complement("ACR")); }) == "dnalm.input.150");
}

TEST_CASE("GC content counts only ACGT", "[sequence]") {
  REQUIRE(dnalm::gc_content("GCAT") == 0.5);
  REQUIRE(dnalm::gc_content("gcNNNN") == 1.0);
  REQUIRE(std::isnan(dnalm::gc_content("NN")));
  REQUIRE(std::isnan(dnalm::gc_content("")));
}

TEST_CASE("one-hot has the columns A, C, G, T and zeros for N", "[sequence]") {
  const std::vector<float> expected = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0};
  REQUIRE(dnalm::one_hot("ACGTN") == expected);
  REQUIRE(dnalm::one_hot("acgtn") == expected);
  REQUIRE(error_id_of([] { static_cast<void>(dnalm::one_hot("ACU")); }) == "dnalm.input.151");
  std::vector<float> small(7);
  REQUIRE(error_id_of([&] { dnalm::one_hot("AC", small); }) == "dnalm.shape.152");
}
