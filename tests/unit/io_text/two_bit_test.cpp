// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/io/sha256.hpp>
#include <dnalm/io/two_bit.hpp>

#include <algorithm>
#include <cctype>
#include <fstream>

#include <unit/io_binary/binary_files.hpp>
#include <unit/io_binary/shared_data.hpp>

using dnalm::index_t;
using dnalm::io::base_range;
using dnalm::io::soft_mask;
using dnalm::io::two_bit_file;

namespace {

/// A number of four bytes, little-endian.
std::string number(std::uint64_t value) {
  return dnalm_test::little(value, 4);
}

const std::filesystem::path golden = std::filesystem::path(DNALM_GOLDEN_DIR) / "two_bit";

/// Name and letters, as the script that made the files wrote them.
std::vector<std::pair<std::string, std::string>> expected() {
  std::ifstream in(golden / "sequences.tsv");
  std::vector<std::pair<std::string, std::string>> list;
  for (std::string name, letters; in >> name >> letters;) list.emplace_back(name, letters);
  return list;
}

std::string upper(std::string text) {
  for (char& letter : text) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  return text;
}

std::string id_of_bytes(const std::string& bytes) {
  const dnalm_test::memory_folder folder;
  try {
    const two_bit_file file(folder.write("x.2bit", bytes));
    for (const auto& entry : file.sequences()) (void)file.sequence(entry.name, soft_mask::lower);
  } catch (const dnalm::error& e) {
    return e.id();
  }
  return "";
}

const std::string signature = "\x43\x27\x41\x1A";

std::string head(std::uint64_t version, std::uint64_t count) {
  return signature + number(version) + number(count) + number(0);
}

struct wish {
  std::uint64_t length = 8;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> unknown = {};
  std::vector<std::pair<std::uint64_t, std::uint64_t>> masked = {};
  std::string bases = std::string(2, '\x1b');  // TCAGTCAG
};

std::string blocks(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& list) {
  std::string bytes = number(list.size());
  for (const auto& block : list) bytes += number(block.first);
  for (const auto& block : list) bytes += number(block.second);
  return bytes;
}

std::string record(const wish& w) {
  return number(w.length) + blocks(w.unknown) + blocks(w.masked) + number(0) + w.bases;
}

/// A file with one sequence `a`.
std::string one(const wish& w) {
  return head(0, 1) +
         "\x01"
         "a" +
         number(22) + record(w);
}

}  // namespace

TEST_CASE("2bit: both byte orders and versions give the letters that were put in", "[io_text][golden]") {
  const auto sequences = expected();
  REQUIRE(sequences.size() == 9);
  for (const std::string name : {"little", "big", "version1", "big_version1"}) {
    INFO(name);
    const two_bit_file file(golden / (name + ".2bit"));
    REQUIRE(file.sequences().size() == sequences.size());
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      const auto& [chromosome, letters] = sequences[i];
      REQUIRE(file.sequences()[i].name == chromosome);
      REQUIRE(file.length(chromosome) == static_cast<index_t>(letters.size()));
      REQUIRE(file.sequence(chromosome, soft_mask::lower) == letters);
      REQUIRE(file.sequence(chromosome) == upper(letters));
    }
  }
}

TEST_CASE("2bit: a slice is that part of the sequence, wherever it begins and ends", "[io_text][golden]") {
  const two_bit_file file(golden / "little.2bit");
  for (const auto& [name, letters] : expected()) {
    const auto size = static_cast<index_t>(letters.size());
    const index_t step = size > 100 ? 37 : 1;
    for (index_t begin = 0; begin <= size; begin += step) {
      for (index_t end = begin; end <= size; end += step) {
        const auto part =
            letters.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
        REQUIRE(file.slice(name, begin, end, soft_mask::lower) == part);
        REQUIRE(file.slice(name, begin, end) == upper(part));
      }
    }
    for (const auto& [begin, end] : {std::pair<index_t, index_t>{-1, 1}, {1, 0}, {0, size + 1}}) {
      try {
        (void)file.slice(name, begin, end);
        FAIL("no error");
      } catch (const dnalm::error& e) {
        REQUIRE(e.id() == "dnalm.usage.207");
      }
    }
  }
}

TEST_CASE("2bit: blocks are told", "[io_text]") {
  const dnalm_test::memory_folder folder;
  const two_bit_file file(folder.write("x", one({.unknown = {{1, 2}, {3, 1}}, .masked = {{0, 8}}})));
  REQUIRE(file.n_blocks("a") == std::vector<base_range>{{1, 3}, {3, 4}});
  REQUIRE(file.mask_blocks("a") == std::vector<base_range>{{0, 8}});
  REQUIRE(file.sequence("a", soft_mask::lower) == "tnnntcag");
  REQUIRE(file.sequence("a") == "TNNNTCAG");
  REQUIRE(file.contains("a"));
  REQUIRE_FALSE(file.contains("b"));
  REQUIRE_THROWS_WITH(file.length("b"), Catch::Matchers::Contains("dnalm.input.206"));
}

TEST_CASE("2bit: what contradicts itself is refused", "[io_text]") {
  REQUIRE(id_of_bytes(one({})).empty());
  REQUIRE(id_of_bytes("") == "dnalm.format.200");
  REQUIRE(id_of_bytes("ACGT" + std::string(20, '\0')) == "dnalm.format.200");
  REQUIRE(id_of_bytes(signature) == "dnalm.format.201");
  REQUIRE(id_of_bytes(head(2, 0)) == "dnalm.format.200");
  REQUIRE(id_of_bytes(signature + number(0) + number(0) + number(7)) == "dnalm.format.200");
  REQUIRE(id_of_bytes(head(0, 0)).empty());
  REQUIRE(id_of_bytes(head(0, 0xFFFFFFFF)) == "dnalm.format.201");
  REQUIRE(id_of_bytes(head(0, 1) +
                      "\x09"
                      "a" +
                      number(22)) == "dnalm.format.201");
  // The index.
  const auto index = [](std::uint64_t offset) {
    return "\x01"
           "a" +
           number(offset);
  };
  REQUIRE(id_of_bytes(head(0, 1) + index(1000) + record({})) == "dnalm.format.202");
  REQUIRE(id_of_bytes(head(0, 1) + index(0) + record({})) == "dnalm.format.202");
  REQUIRE(id_of_bytes(head(0, 1) + index(21) + record({})) == "dnalm.format.202");
  REQUIRE(id_of_bytes(head(0, 2) + index(28) +
                      "\x01"
                      "b" +
                      number(28) + record({})) == "dnalm.format.202");
  REQUIRE(id_of_bytes(head(0, 2) + index(28) +
                      "\x01"
                      "b" +
                      number(40) + record({})) == "dnalm.format.202");
  REQUIRE(id_of_bytes(head(0, 2) + index(28) + index(46) + record({}) + record({})) == "dnalm.input.203");
  REQUIRE(id_of_bytes(head(0, 1) + std::string(1, '\0') + number(21) + record({})) == "dnalm.input.203");
  // Blocks and bases.
  REQUIRE(id_of_bytes(one({.unknown = {{7, 2}}})) == "dnalm.format.204");
  REQUIRE(id_of_bytes(one({.unknown = {{9, 0}}})) == "dnalm.format.204");
  REQUIRE(id_of_bytes(one({.unknown = {{0xFFFFFFFF, 0xFFFFFFFF}}})) == "dnalm.format.204");
  REQUIRE(id_of_bytes(one({.unknown = {{2, 2}, {3, 1}}})) == "dnalm.format.204");
  REQUIRE(id_of_bytes(one({.masked = {{4, 1}, {0, 1}}})) == "dnalm.format.204");
  REQUIRE(id_of_bytes(one({.length = 9})) == "dnalm.format.201");
  REQUIRE(id_of_bytes(one({.length = 0xFFFFFFFF})) == "dnalm.format.201");
  std::string lie = one({});
  lie.replace(26, 4, number(0xFFFFFFFF));  // the number of N blocks
  REQUIRE(id_of_bytes(lie) == "dnalm.format.201");
}

TEST_CASE("2bit: damaged files give an error or letters, nothing else", "[io_text]") {
  const std::string bytes = dnalm_test::content_of(golden / "little.2bit");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    REQUIRE_FALSE(id_of_bytes(bytes.substr(0, size)).empty());
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const char change : {'\x01', '\x80', '\xff'}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      (void)id_of_bytes(damaged);
    }
  }
}

TEST_CASE("2bit: programs read it as any file of sequences", "[io_text][golden]") {
  using dnalm::io::read_sequences;
  for (const char* name : {"little.2bit", "big_version1.2bit"}) {
    const auto table = read_sequences(golden / name);
    const auto literal = read_sequences(golden / name, {.unknown = dnalm::unknown_policy::literal});
    const auto sequences = expected();
    REQUIRE(table.records.size() == sequences.size());
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      REQUIRE(table.records[i].name == sequences[i].first);
      REQUIRE(table.records[i].number == static_cast<index_t>(i));
      REQUIRE(table.records[i].sequence == upper(sequences[i].second));
      REQUIRE(literal.records[i].sequence == sequences[i].second);
    }
  }
  const dnalm_test::memory_folder folder;
  const auto id = [&](const std::string& bytes) -> std::string {
    try {
      (void)read_sequences(folder.write("x.txt", bytes));
    } catch (const dnalm::error& e) {
      return e.id();
    }
    return "";
  };
  REQUIRE(id(one({.length = 0, .bases = ""})) == "dnalm.input.181");
  REQUIRE(id(head(0, 0)) == "dnalm.input.193");
  REQUIRE(id(head(0, 1) + "\x01\t" + number(22) + record({})) == "dnalm.input.195");
  REQUIRE(id(one({})).empty());
}

TEST_CASE("2bit: the yeast genome is whole", "[io_text][shared]") {
  const auto path = dnalm_test::shared_data("jpaggi__labranchor/yeast/sacCer3.2bit");
  if (!path) return;
  const two_bit_file file(*path);
  // Lengths of the assembly sacCer3 (R64-1-1).
  const std::vector<std::pair<std::string, index_t>> lengths{
      {"chrI", 230218},   {"chrII", 813184},   {"chrIII", 316620},  {"chrIV", 1531933}, {"chrV", 576874},
      {"chrVI", 270161},  {"chrVII", 1090940}, {"chrVIII", 562643}, {"chrIX", 439888},  {"chrX", 745751},
      {"chrXI", 666816},  {"chrXII", 1078177}, {"chrXIII", 924431}, {"chrXIV", 784333}, {"chrXV", 1091291},
      {"chrXVI", 948066}, {"chrM", 85779}};
  REQUIRE(file.sequences().size() == lengths.size());
  index_t total = 0;
  index_t strong = 0;
  for (const auto& [name, length] : lengths) {
    REQUIRE(file.length(name) == length);
    const std::string letters = file.sequence(name);
    REQUIRE(letters.find_first_not_of("ACGT") == std::string::npos);
    strong +=
        std::count(letters.begin(), letters.end(), 'G') + std::count(letters.begin(), letters.end(), 'C');
    total += length;
  }
  REQUIRE(total == 12157105);
  // These come from a decoder written in Python after the format's description, bit by bit.
  REQUIRE(strong == 4637676);
  REQUIRE(file.slice("chrI", 0, 60) == "CCACACCACACCCACACACCCACACACCACACCACACACCACACCACACCCACACACACA");
  REQUIRE(file.slice("chrM", 85779 - 30, 85779) == "AATATGCTTAATTATAATATAATATCCATA");
  REQUIRE(file.slice("chrIV", 1000001, 1000041) == "TTATATTAATTAATTAAATAAGTTTTTCTTTATCGGAATT");
  dnalm::io::sha256 all;
  for (const auto& entry : file.sequences()) {
    const std::string letters = file.sequence(entry.name);
    all.update(std::as_bytes(std::span<const char>(letters.data(), letters.size())));
  }
  REQUIRE(all.hex() == "9eed297025e658bdcbbcefffe97ffaa690c539413104cc9ca5127887e5ca2dd1");
}
