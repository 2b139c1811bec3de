// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/line_reader.hpp>

#include <string>
#include <vector>

#include <support/catch.hpp>

#include "text_files.hpp"

using dnalm_test::error_id_of;
using dnalm_test::gzip;
using lines_type = std::vector<std::string>;

namespace {

lines_type lines_of(const std::string& content, dnalm::io::text_limits limits = {}) {
  const dnalm_test::temporary_folder folder;
  dnalm::io::line_reader reader(folder.write("file", content), limits);
  lines_type lines;
  std::string_view line;
  while (reader.next(line)) {
    lines.emplace_back(line);
    REQUIRE(reader.line_number() == static_cast<dnalm::index_t>(lines.size()));
  }
  return lines;
}

std::string id_for(const std::string& content, dnalm::io::text_limits limits = {}) {
  return error_id_of([&] { static_cast<void>(lines_of(content, limits)); });
}

}  // namespace

TEST_CASE("lines end with LF or CRLF, the last with or without", "[io_text]") {
  REQUIRE(lines_of("a\nb\n") == lines_type{"a", "b"});
  REQUIRE(lines_of("a\r\n\r\nb") == lines_type{"a", "", "b"});
  REQUIRE(lines_of("").empty());
  REQUIRE(lines_of("\n") == lines_type{""});
}

TEST_CASE("a byte order mark is skipped, at the start only", "[io_text]") {
  REQUIRE(lines_of("\xEF\xBB\xBF"
                   "a\n") == lines_type{"a"});
  REQUIRE(lines_of("\xEF\xBB\xBF").empty());
  REQUIRE(lines_of("a\n\xEF\xBB\xBF"
                   "b\n") == lines_type{"a",
                                        "\xEF\xBB\xBF"
                                        "b"});
  REQUIRE(lines_of(gzip("\xEF\xBB\xBF"
                        "a\n")) == lines_type{"a"});
}

TEST_CASE("long lines pass the buffer unharmed, plain and gzip", "[io_text]") {
  const std::string longest(1000003, 'A');
  const std::string text = "x\n" + longest + "\r\ny\n" + longest;
  const lines_type expected = {"x", longest, "y", longest};
  REQUIRE(lines_of(text) == expected);
  REQUIRE(lines_of(gzip(text)) == expected);
}

TEST_CASE("a carriage return at the edge of the buffer still ends the line with its LF", "[io_text]") {
  for (std::size_t length = 65530; length < 65540; ++length) {
    const std::string line(length, 'C');
    REQUIRE(lines_of(line + "\r\n" + line + "\r\n") == lines_type{line, line});
  }
}

TEST_CASE("several gzip members are one text, also with empty ones and zero padding", "[io_text]") {
  REQUIRE(lines_of(gzip("a\nb") + gzip("c\nd\n")) == lines_type{"a", "bc", "d"});
  REQUIRE(lines_of(gzip("a\n") + gzip("") + gzip("") + gzip("b\n") + gzip("")) == lines_type{"a", "b"});
  REQUIRE(lines_of(gzip("a\n") + std::string(5000, '\0')) == lines_type{"a"});
  std::string many;
  for (int i = 0; i < 3000; ++i) many += gzip("line\n");
  REQUIRE(lines_of(many).size() == 3000);
}

TEST_CASE("damaged gzip is an error: cut anywhere, a changed bit, bytes behind it", "[io_text]") {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "record " + std::to_string(i * i) + "\n";
  const std::string packed = gzip(text);
  for (std::size_t size = 2; size < packed.size(); ++size) {
    REQUIRE(id_for(packed.substr(0, size)) == "dnalm.format.172");
  }
  std::string wrong_crc = packed;
  wrong_crc[packed.size() - 8] = static_cast<char>(wrong_crc[packed.size() - 8] ^ 1);
  REQUIRE(id_for(wrong_crc) == "dnalm.format.172");
  std::string wrong_size = packed;
  wrong_size.back() = static_cast<char>(wrong_size.back() ^ 1);
  REQUIRE(id_for(wrong_size) == "dnalm.format.172");
  REQUIRE(id_for(packed + "tail") == "dnalm.format.172");
  REQUIRE(id_for(packed + std::string(4, '\0') + packed) == "dnalm.format.172");
}

TEST_CASE("a limit on lines and on the whole text stops a gzip bomb", "[io_text]") {
  const std::string bomb = gzip(std::string(8 << 20, 'A'));
  REQUIRE(bomb.size() < 20000);
  REQUIRE(id_for(bomb, {.line_bytes = 1 << 20}) == "dnalm.memory.174");
  std::string lines;
  for (int i = 0; i < 100000; ++i) lines += "ACGT\n";
  REQUIRE(id_for(gzip(lines), {.total_bytes = 1 << 17}) == "dnalm.memory.174");
  REQUIRE(id_for("123456789\n", {.line_bytes = 8}) == "dnalm.memory.174");
  REQUIRE(id_for("12345678\n", {.line_bytes = 8}).empty());
}

TEST_CASE("binary data, old line ends and text that is not UTF-8 are errors", "[io_text]") {
  REQUIRE(id_for(std::string("a\0b\n", 4)) == "dnalm.format.175");
  REQUIRE(id_for("\x01\x02\x03") == "dnalm.format.175");
  REQUIRE(id_for("a\rb\rc") == "dnalm.format.175");
  REQUIRE(id_for(std::string("\xFF\xFE"
                             "a\0",
                             4)) != "");
  REQUIRE(id_for("name\xE4\n") == "dnalm.format.176");
  REQUIRE(lines_of("n\xC3\xA4me\n") == lines_type{"n\xC3\xA4me"});
}

TEST_CASE("other compressions are told by name", "[io_text]") {
  REQUIRE(id_for("PK\x03\x04rest") == "dnalm.unsupported.173");
  REQUIRE(id_for("\x28\xB5\x2F\xFDrest") == "dnalm.unsupported.173");
  REQUIRE(id_for(std::string("\xFD"
                             "7zXZ\0",
                             6)) == "dnalm.unsupported.173");
  REQUIRE(id_for("BZh91AY&SYrest") == "dnalm.unsupported.173");
}

TEST_CASE("a missing file and a folder are errors of input and output", "[io_text]") {
  const dnalm_test::temporary_folder folder;
  REQUIRE(error_id_of([&] { dnalm::io::line_reader reader(folder.path() / "absent"); }) == "dnalm.io.170");
  REQUIRE(error_id_of([&] { dnalm::io::line_reader reader(folder.path()); }) == "dnalm.io.170");
}

TEST_CASE("put_back gives the same line once more", "[io_text]") {
  const dnalm_test::temporary_folder folder;
  dnalm::io::line_reader reader(folder.write("file", "a\nb\n"));
  std::string_view line;
  REQUIRE(reader.next(line));
  reader.put_back();
  REQUIRE(reader.next(line));
  REQUIRE(line == "a");
  REQUIRE(reader.line_number() == 1);
  REQUIRE(reader.next(line));
  REQUIRE(line == "b");
  REQUIRE_FALSE(reader.next(line));
}
