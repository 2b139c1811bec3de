// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/table.hpp>
#include <dnalm/io/table_writer.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <support/catch.hpp>

#include "text_files.hpp"

using dnalm_test::error_id_of;

TEST_CASE("a table that was written is read back the same", "[io_text]") {
  const dnalm_test::temporary_folder folder;
  const auto path = folder.path() / "out.tsv";
  {
    dnalm::io::table_writer writer(path, {"model", "value"}, {"made by a test"});
    writer.row({"a \"b\"", dnalm::io::format_number(0.1)});
    writer.row({"", "nan"});
    REQUIRE_FALSE(std::filesystem::exists(path));
    writer.commit();
  }
  dnalm::io::line_reader lines(path);
  dnalm::io::table_reader reader(lines);
  REQUIRE(reader.columns() == std::vector<std::string>{"model", "value"});
  REQUIRE(reader.find("value") == 1);
  REQUIRE(reader.find("absent") == -1);
  std::vector<std::string> row;
  REQUIRE(reader.next(row));
  REQUIRE(row == std::vector<std::string>{"a \"b\"", "0.1"});
  REQUIRE(reader.line_number() == 3);
  REQUIRE(reader.next(row));
  REQUIRE(row == std::vector<std::string>{"", "nan"});
  REQUIRE_FALSE(reader.next(row));
}

TEST_CASE("without a commit there is no file and no rest of one", "[io_text]") {
  const dnalm_test::temporary_folder folder;
  {
    dnalm::io::table_writer writer(folder.path() / "out.tsv", {"a"});
    writer.row({"1"});
  }
  REQUIRE(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("what would break a table is not written", "[io_text]") {
  const dnalm_test::temporary_folder folder;
  dnalm::io::table_writer writer(folder.path() / "out.tsv", {"a", "b"});
  REQUIRE(error_id_of([&] { writer.row({"x\ty", "1"}); }) == "dnalm.usage.197");
  REQUIRE(error_id_of([&] { writer.row({"x\ny", "1"}); }) == "dnalm.usage.197");
  REQUIRE(error_id_of([&] { writer.row({"x\r", "1"}); }) == "dnalm.usage.197");
  REQUIRE(error_id_of([&] { writer.row({"x"}); }) == "dnalm.usage.197");
  REQUIRE(error_id_of([&] { writer.row({"#x", "1"}); }) == "dnalm.input.199");
  REQUIRE(error_id_of([&] { dnalm::io::table_writer(folder.path() / "other.tsv", {"a\tb"}); }) ==
          "dnalm.usage.197");
  REQUIRE_FALSE(
      error_id_of([&] { dnalm::io::table_writer(folder.path() / "no" / "out.tsv", {"a"}); }).empty());
}

TEST_CASE("numbers are written as the shortest text that reads back the same", "[io_text]") {
  REQUIRE(dnalm::io::format_number(0.1) == "0.1");
  REQUIRE(dnalm::io::format_number(0.1F) == "0.1");
  REQUIRE(dnalm::io::format_number(1.0) == "1");
  REQUIRE(dnalm::io::format_number(std::nan("")) == "nan");
  REQUIRE(dnalm::io::format_number(-std::numeric_limits<double>::infinity()) == "-inf");
  for (const double value : {1.0 / 3.0, 6.02214076e23, -1e-300, 123456789.123456789}) {
    REQUIRE(dnalm::io::parse_number(dnalm::io::format_number(value), "x") == value);
  }
}
