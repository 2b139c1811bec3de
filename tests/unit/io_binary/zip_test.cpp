// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/zip_reader.hpp>
#include <dnalm/io/zip_writer.hpp>

#include <unit/io_binary/binary_files.hpp>

using namespace dnalm_test;
using dnalm::io::zip_limits;
using dnalm::io::zip_reader;

namespace {

/// Error of opening and reading every member of an archive.
std::string id_of(const std::string& bytes, const zip_limits& limits = {}) {
  const memory_folder folder;
  return error_id_of([&] {
    const zip_reader archive(folder.write("x.zip", bytes), limits);
    for (const auto& entry : archive.entries()) (void)archive.read(entry);
  });
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

const std::string repeated(5000, 'r');
const std::vector<member> three{{"a.txt", "first"}, {"b/../c", "second", true}, {"d", repeated, true}};

/// An archive of one stored member whose sizes and offsets stand in ZIP64 records only.
std::string zip64_bytes() {
  const std::string data = "zip64 data";
  const std::string extra = little(1, 2) + little(16, 2) + little(data.size(), 8) + little(data.size(), 8);
  const std::string crc = little(dnalm::io::crc32_of(bytes_of(data)), 4);
  const std::string full(8, '\xff');
  const std::string local = "PK\3\4" + little(45, 2) + little(0, 8) + crc + full + little(1, 2) +
                            little(extra.size(), 2) + "z" + extra + data;
  const std::string extra2 =
      little(1, 2) + little(24, 2) + little(data.size(), 8) + little(data.size(), 8) + little(0, 8);
  const std::string record = "PK\1\2" + little(45, 2) + little(45, 2) + little(0, 8) + crc + full +
                             little(1, 2) + little(extra2.size(), 2) + little(0, 10) +
                             std::string(4, '\xff') + "z" + extra2;
  const std::string end64 = "PK\6\6" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) +
                            little(1, 8) + little(1, 8) + little(record.size(), 8) + little(local.size(), 8);
  const std::string locator =
      "PK\6\7" + little(0, 4) + little(local.size() + record.size(), 8) + little(1, 4);
  const std::string end = "PK\5\6" + little(0, 4) + std::string(12, '\xff') + little(0, 2);
  return local + record + end64 + locator + end;
}

}  // namespace

TEST_CASE("ZIP members come back as written, stored ones aligned to 64 bytes", "[io_binary]") {
  const memory_folder folder;
  const zip_reader archive(folder.write("x.zip", zip_bytes(three)));
  REQUIRE(archive.entries().size() == 3);
  for (const member& m : three) {
    REQUIRE(text_of(archive.read(m.name)) == m.content);
    const auto& entry = archive.entry(m.name);
    REQUIRE((entry.method == dnalm::io::zip_method::deflated) == m.deflate);
    if (!m.deflate) REQUIRE(entry.data_offset % 64 == 0);
  }
  REQUIRE(archive.entry("d").stored_size < 100);
  REQUIRE(archive.contains("a.txt"));
  REQUIRE_FALSE(archive.contains("c"));
  REQUIRE(error_id_of([&] { (void)archive.read("c"); }) == "dnalm.format.239");
  REQUIRE(zip_bytes(three) == zip_bytes(three));
}

TEST_CASE("empty archives and empty members are archives", "[io_binary]") {
  REQUIRE(id_of(zip_bytes({})).empty());
  REQUIRE(id_of(zip_bytes({{"a", ""}, {"b", "", true}})).empty());
}

TEST_CASE("the archive comment and other data before the end record are allowed", "[io_binary]") {
  auto bytes = lie(zip_bytes(three), end_record, 0, 20, 5, 2) + "hello";
  REQUIRE(id_of(bytes).empty());
}

TEST_CASE("ZIP64 records are read", "[io_binary]") {
  const memory_folder folder;
  const std::string bytes = zip64_bytes();
  const zip_reader archive(folder.write("x.zip", bytes));
  REQUIRE(text_of(archive.read("z")) == "zip64 data");
  REQUIRE(id_of(lie(bytes, "PK\6\7", 0, 8, 1, 8)) == "dnalm.format.231");
  REQUIRE(id_of(lie(bytes, "PK\6\7", 0, 8, ~std::uint64_t{0}, 8)) == "dnalm.format.231");
  REQUIRE(id_of(lie(bytes, "PK\6\6", 0, 32, ~std::uint64_t{0}, 8)) == "dnalm.format.231");
  REQUIRE(id_of(lie(bytes, "PK\6\6", 0, 40, ~std::uint64_t{0}, 8)) == "dnalm.format.231");
  REQUIRE(id_of(lie(bytes, "PK\6\6", 0, 48, ~std::uint64_t{0} - 3, 8)) == "dnalm.format.231");
  REQUIRE(id_of(lie(bytes, "PK\1\2", 0, 51, ~std::uint64_t{0}, 8)) == "dnalm.format.231");
}

TEST_CASE("more than 65535 members need and get ZIP64", "[io_binary]") {
  const memory_folder folder;
  dnalm::io::zip_writer writer(folder / "many.zip");
  for (int i = 0; i < 70'000; ++i)
    writer.add(std::to_string(i), bytes_of("x"), dnalm::io::zip_method::stored);
  writer.finish();
  const zip_reader archive(folder / "many.zip");
  REQUIRE(archive.entries().size() == 70'000);
  REQUIRE(text_of(archive.read("69999")) == "x");
}

TEST_CASE("what is no ZIP archive is refused", "[io_binary]") {
  const std::string good = zip_bytes(three);
  REQUIRE(id_of("") == "dnalm.format.230");
  REQUIRE(id_of("PK") == "dnalm.format.230");
  REQUIRE(id_of(std::string(200'000, 'x')) == "dnalm.format.230");
  REQUIRE(id_of(good.substr(0, good.size() - 1)) == "dnalm.format.230");
  REQUIRE(id_of(good + "x") == "dnalm.format.230");
}

TEST_CASE("a directory that lies is refused", "[io_binary]") {
  const std::string good = zip_bytes(three);
  REQUIRE(id_of(lie(good, end_record, 0, 16, 0xFFFFFFF0U, 4)) == "dnalm.format.231");
  REQUIRE(id_of(lie(good, end_record, 0, 12, 0xFFFFFFF0U, 4)) == "dnalm.format.231");
  REQUIRE(id_of(lie(good, end_record, 0, 10, 0xFFF0U, 2)) == "dnalm.format.231");
  REQUIRE(id_of(lie(good, end_record, 0, 10, 2, 2)) == "dnalm.format.231");
  REQUIRE(id_of(lie(good, end_record, 0, 4, 1, 2)) == "dnalm.unsupported.235");
  REQUIRE(id_of(lie(good, directory_record, 1, 28, 60000, 2)) == "dnalm.format.231");
  REQUIRE(id_of(lie(good, directory_record, 0, 42, 7, 4)) == "dnalm.format.232");
  REQUIRE(id_of(lie(good, directory_record, 0, 20, 0x7FFFFFFF, 4)) == "dnalm.format.231");
}

TEST_CASE("local headers must agree with the directory", "[io_binary]") {
  const std::string good = zip_bytes(three);
  REQUIRE(id_of(lie(good, local_header, 0, 30, 'X', 1)) == "dnalm.format.232");
  REQUIRE(id_of(lie(good, local_header, 0, 8, 8, 2)) == "dnalm.format.232");
  REQUIRE(id_of(lie(good, local_header, 0, 14, 1, 4)) == "dnalm.format.232");
  REQUIRE(id_of(lie(good, local_header, 0, 22, 4, 4)) == "dnalm.format.232");
  REQUIRE(id_of(lie(good, local_header, 0, 26, 60000, 2)) == "dnalm.format.233");
  REQUIRE(id_of(lie(good, directory_record, 0, 24, 4, 4)) == "dnalm.format.232");
}

TEST_CASE("overlapping members, duplicate names and members past the directory are refused", "[io_binary]") {
  const std::string twins = zip_bytes({{"aa", "same"}, {"bb", "same"}});
  // Both records point to the first header: the name disagrees; with one name they are twins.
  REQUIRE(id_of(lie(twins, directory_record, 1, 42, 0, 4)) == "dnalm.format.232");
  auto same = lie(lie(twins, directory_record, 1, 42, 0, 4), directory_record, 1, 46, 0x6161, 2);
  REQUIRE(id_of(same) == "dnalm.format.233");
  auto named = lie(lie(twins, directory_record, 1, 46, 0x6161, 2), local_header, 1, 30, 0x6161, 2);
  REQUIRE(id_of(named) == "dnalm.format.234");
  const std::string good = zip_bytes({{"a", std::string(100, 'x')}});
  auto longer = lie(lie(good, directory_record, 0, 20, 300, 4), directory_record, 0, 24, 300, 4);
  longer = lie(lie(longer, local_header, 0, 18, 300, 4), local_header, 0, 22, 300, 4);
  REQUIRE(id_of(longer) == "dnalm.format.233");
}

TEST_CASE("encryption and other methods are not supported", "[io_binary]") {
  const std::string good = zip_bytes(three);
  REQUIRE(id_of(lie(good, directory_record, 0, 8, 1, 2)) == "dnalm.unsupported.235");
  REQUIRE(id_of(lie(good, directory_record, 0, 10, 12, 2)) == "dnalm.unsupported.235");
}

TEST_CASE("damaged content is found by its CRC or its stream", "[io_binary]") {
  const std::string good = zip_bytes({{"a", "precious data"}, {"b", repeated, true}});
  std::string damaged = good;
  damaged[damaged.find("precious")] = 'P';
  REQUIRE(id_of(damaged) == "dnalm.format.237");
  auto shorter = lie(lie(good, directory_record, 1, 24, 4999, 4), local_header, 1, 22, 4999, 4);
  REQUIRE(id_of(shorter) == "dnalm.format.238");
  auto longer = lie(lie(good, directory_record, 1, 24, 5001, 4), local_header, 1, 22, 5001, 4);
  REQUIRE(id_of(longer) == "dnalm.format.238");
}

TEST_CASE("zip bombs are refused before they are opened", "[io_binary]") {
  const std::string bomb = zip_bytes({{"bomb", std::string(20 << 20, '\0'), true}});
  REQUIRE(bomb.size() < 30'000);
  REQUIRE(id_of(bomb).empty());  // 20 MiB of zeros are below the size from which the ratio counts
  REQUIRE(id_of(bomb, {.ratio_from = 1 << 20}) == "dnalm.format.236");
  REQUIRE(id_of(bomb, {.entry_bytes = 1 << 20}) == "dnalm.format.236");
  REQUIRE(id_of(bomb, {.total_bytes = 1 << 20}) == "dnalm.format.236");
  REQUIRE(id_of(zip_bytes(three), {.entries = 2}) == "dnalm.format.236");
  // A size that no deflate stream of this length can have.
  const std::string small = zip_bytes({{"b", repeated, true}});
  auto lying = lie(lie(small, directory_record, 0, 24, 110'000, 4), local_header, 0, 22, 110'000, 4);
  REQUIRE(id_of(lying) == "dnalm.format.236");
}

TEST_CASE("the ZIP writer refuses what would break the archive", "[io_binary]") {
  const memory_folder folder;
  using dnalm::io::zip_writer;
  const auto fails = [&](auto&& use) {
    return error_id_of([&] {
      zip_writer writer(folder / "x.zip");
      use(writer);
      writer.finish();
    });
  };
  const auto stored = dnalm::io::zip_method::stored;
  REQUIRE(fails([&](zip_writer& w) {
            w.add("a", {}, stored);
            w.add("a", {}, stored);
          }) == "dnalm.usage.240");
  REQUIRE(fails([&](zip_writer& w) { w.add("", {}, stored); }) == "dnalm.usage.240");
  REQUIRE(fails([&](zip_writer& w) { w.add(std::string(70'000, 'n'), {}, stored); }) == "dnalm.usage.240");
  REQUIRE(fails([&](zip_writer& w) { w.append(bytes_of("x")); }) == "dnalm.usage.240");
  REQUIRE(fails([&](zip_writer& w) { w.begin("a", 0, 1); }) == "dnalm.usage.240");
  REQUIRE(fails([&](zip_writer& w) {
            w.begin("a", 0, 1);
            w.append(bytes_of("x"));
            w.end();
          }) == "dnalm.usage.240");
  REQUIRE(folder.files() == 0);
}

TEST_CASE("damaged ZIP archives give an error or their content, nothing else", "[io_binary]") {
  const std::string bytes = zip_bytes({{"a", "stored data"}, {"b", "deflated data, deflated data", true}});
  const int errors = survive_damage(bytes, "x.zip", [](const auto& path) {
    const zip_reader archive(path);
    for (const auto& entry : archive.entries()) (void)archive.read(entry);
  });
  REQUIRE(errors >= static_cast<int>(bytes.size()));  // every truncation fails
  (void)survive_damage(zip64_bytes(), "x64.zip", [](const auto& path) {
    const zip_reader archive(path);
    for (const auto& entry : archive.entries()) (void)archive.read(entry);
  });
}
