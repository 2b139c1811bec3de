// SPDX-License-Identifier: Apache-2.0
#include <dnalm/report/result_folder.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include <support/catch.hpp>
#include <support/temporary_folder.hpp>

namespace report = dnalm::report;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& file, const std::string& text) {
  std::ofstream(file) << text;
}

void make_results(const fs::path& target, const std::string& text) {
  report::result_folder folder(target);
  folder.write_text("manifest.json", text);
  folder.write_text("figures/a.svg", text);
  folder.commit();
}

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

}  // namespace

TEST_CASE("a folder of results appears at commit, not before", "[report]") {
  const dnalm_test::temporary_folder dir;
  const fs::path target = dir / "deep" / "er" / "results";
  {
    report::result_folder folder(target);
    folder.write_text("probes/a.txt", "x");
    REQUIRE_FALSE(fs::exists(target));
    folder.commit();
  }
  REQUIRE(first_line(target / "probes" / "a.txt") == "x");
  REQUIRE(std::distance(fs::directory_iterator(target.parent_path()), fs::directory_iterator()) == 1);
}

TEST_CASE("without a commit nothing stays, made parents included", "[report]") {
  const dnalm_test::temporary_folder dir;
  {
    const report::result_folder folder(dir / "deep" / "er" / "results");
    folder.write_text("a.txt", "x");
    REQUIRE(dir.files() == 1);
  }
  REQUIRE(dir.files() == 0);
}

TEST_CASE("earlier results are replaced as a whole", "[report]") {
  const dnalm_test::temporary_folder dir;
  const fs::path target = dir / "results";
  make_results(target, "one");
  write(target / "figures" / "old.svg", "old");
  make_results(target, "two");
  REQUIRE(first_line(target / "manifest.json") == "two");
  REQUIRE_FALSE(fs::exists(target / "figures" / "old.svg"));
  REQUIRE(dir.files() == 1);
}

TEST_CASE("earlier results stay when the new ones fail", "[report]") {
  const dnalm_test::temporary_folder dir;
  const fs::path target = dir / "results";
  make_results(target, "one");
  {
    report::result_folder folder(target);
    folder.write_text("manifest.json", "two");
  }
  REQUIRE(first_line(target / "manifest.json") == "one");
  REQUIRE(dir.files() == 1);
}

TEST_CASE("an empty folder is used, with or without a slash at the end", "[report]") {
  const dnalm_test::temporary_folder dir;
  fs::create_directory(dir / "empty");
  make_results(dir / "empty", "x");
  REQUIRE(first_line(dir / "empty" / "manifest.json") == "x");
  make_results(fs::path((dir / "slash").string() + "/"), "x");
  REQUIRE(fs::exists(dir / "slash" / "manifest.json"));
}

TEST_CASE("a folder that holds anything else is refused and left alone", "[report]") {
  const dnalm_test::temporary_folder dir;
  const auto refused = [&](const fs::path& target) {
    return dnalm_test::error_id_of([&] { const report::result_folder folder(target); });
  };
  fs::create_directory(dir / "thesis");
  write(dir / "thesis" / "chapter1.tex", "years of work");
  REQUIRE(refused(dir / "thesis") == "dnalm.usage.590");
  REQUIRE(refused(dir.path()) == "dnalm.usage.590");
  make_results(dir / "results", "x");
  write(dir / "results" / "notes.txt", "mine");
  REQUIRE(refused(dir / "results") == "dnalm.usage.590");
  REQUIRE(first_line(dir / "results" / "notes.txt") == "mine");
  write(dir / "file", "x");
  REQUIRE(refused(dir / "file") == "dnalm.usage.590");
  REQUIRE(refused("/") == "dnalm.usage.590");
  REQUIRE(dir.files() == 3);
}

TEST_CASE("a folder that gains foreign files while results are made is not replaced", "[report]") {
  const dnalm_test::temporary_folder dir;
  const fs::path target = dir / "results";
  {
    report::result_folder folder(target);
    folder.write_text("manifest.json", "x");
    fs::create_directory(target);
    write(target / "notes.txt", "mine");
    REQUIRE(dnalm_test::error_id_of([&] { folder.commit(); }) == "dnalm.usage.590");
  }
  REQUIRE(first_line(target / "notes.txt") == "mine");
  REQUIRE(dir.files() == 1);
}

TEST_CASE("a folder that cannot be made says so", "[report]") {
  REQUIRE(dnalm_test::error_id_of([] { const report::result_folder folder("/proc/dnalm/results"); }) ==
          "dnalm.io.591");
}

TEST_CASE("hidden folders of killed writers are removed, those of living ones stay", "[report]") {
  const dnalm_test::temporary_folder dir;
  const fs::path target = dir / "results";
  fs::create_directories(dir / ".results.partial-999999" / "figures");
  fs::create_directory(dir / ".results.partial-mine");
  fs::create_directory(dir / ".other.partial-999999");
  {
    const report::result_folder living(target);
    REQUIRE(dnalm_test::error_id_of([&] { report::result_folder second(target); }) == "dnalm.io.591");
    REQUIRE_FALSE(fs::exists(dir / ".results.partial-999999"));
    REQUIRE(dir.files() == 3);
  }
  REQUIRE(dir.files() == 2);
}

TEST_CASE("earlier results that were taken aside come back, or go when there are newer ones", "[report]") {
  const dnalm_test::temporary_folder dir;
  const fs::path target = dir / "results";
  make_results(dir / "earlier", "earlier");
  fs::rename(dir / "earlier", dir / ".results.old-999999");
  { const report::result_folder given_up(target); }
  REQUIRE(first_line(target / "manifest.json") == "earlier");
  fs::create_directory(dir / ".results.old-999999");
  { const report::result_folder given_up(target); }
  REQUIRE(dir.files() == 1);
  REQUIRE(first_line(target / "manifest.json") == "earlier");
}
