// SPDX-License-Identifier: Apache-2.0
#include <dnalm/report/result_folder.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

#include <support/catch.hpp>

namespace report = dnalm::report;
namespace fs = std::filesystem;

namespace {

/// An empty folder that is removed at the end.
struct scratch {
  fs::path path = fs::temp_directory_path() / ("dnalm_folder_test_" + std::to_string(::getpid()));
  scratch() {
    fs::remove_all(path);
    fs::create_directory(path);
  }
  ~scratch() { fs::remove_all(path); }
  [[nodiscard]] std::ptrdiff_t entries() const {
    return std::distance(fs::directory_iterator(path), fs::directory_iterator());
  }
};

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
  const scratch dir;
  const fs::path target = dir.path / "deep" / "er" / "results";
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
  const scratch dir;
  {
    const report::result_folder folder(dir.path / "deep" / "er" / "results");
    folder.write_text("a.txt", "x");
    REQUIRE(dir.entries() == 1);
  }
  REQUIRE(dir.entries() == 0);
}

TEST_CASE("earlier results are replaced as a whole", "[report]") {
  const scratch dir;
  const fs::path target = dir.path / "results";
  make_results(target, "one");
  write(target / "figures" / "old.svg", "old");
  make_results(target, "two");
  REQUIRE(first_line(target / "manifest.json") == "two");
  REQUIRE_FALSE(fs::exists(target / "figures" / "old.svg"));
  REQUIRE(dir.entries() == 1);
}

TEST_CASE("earlier results stay when the new ones fail", "[report]") {
  const scratch dir;
  const fs::path target = dir.path / "results";
  make_results(target, "one");
  {
    report::result_folder folder(target);
    folder.write_text("manifest.json", "two");
  }
  REQUIRE(first_line(target / "manifest.json") == "one");
  REQUIRE(dir.entries() == 1);
}

TEST_CASE("an empty folder is used, with or without a slash at the end", "[report]") {
  const scratch dir;
  fs::create_directory(dir.path / "empty");
  make_results(dir.path / "empty", "x");
  REQUIRE(first_line(dir.path / "empty" / "manifest.json") == "x");
  make_results(fs::path((dir.path / "slash").string() + "/"), "x");
  REQUIRE(fs::exists(dir.path / "slash" / "manifest.json"));
}

TEST_CASE("a folder that holds anything else is refused and left alone", "[report]") {
  const scratch dir;
  const auto refused = [&](const fs::path& target) {
    return dnalm_test::error_id_of([&] { const report::result_folder folder(target); });
  };
  fs::create_directory(dir.path / "thesis");
  write(dir.path / "thesis" / "chapter1.tex", "years of work");
  REQUIRE(refused(dir.path / "thesis") == "dnalm.usage.590");
  REQUIRE(refused(dir.path) == "dnalm.usage.590");
  make_results(dir.path / "results", "x");
  write(dir.path / "results" / "notes.txt", "mine");
  REQUIRE(refused(dir.path / "results") == "dnalm.usage.590");
  REQUIRE(first_line(dir.path / "results" / "notes.txt") == "mine");
  write(dir.path / "file", "x");
  REQUIRE(refused(dir.path / "file") == "dnalm.usage.590");
  REQUIRE(refused("/") == "dnalm.usage.590");
  REQUIRE(dir.entries() == 3);
}

TEST_CASE("a folder that gains foreign files while results are made is not replaced", "[report]") {
  const scratch dir;
  const fs::path target = dir.path / "results";
  {
    report::result_folder folder(target);
    folder.write_text("manifest.json", "x");
    fs::create_directory(target);
    write(target / "notes.txt", "mine");
    REQUIRE(dnalm_test::error_id_of([&] { folder.commit(); }) == "dnalm.usage.590");
  }
  REQUIRE(first_line(target / "notes.txt") == "mine");
  REQUIRE(dir.entries() == 1);
}

TEST_CASE("a folder that cannot be made says so", "[report]") {
  REQUIRE(dnalm_test::error_id_of([] { const report::result_folder folder("/proc/dnalm/results"); }) ==
          "dnalm.io.591");
}

TEST_CASE("hidden folders of killed writers are removed, those of living ones stay", "[report]") {
  const scratch dir;
  const fs::path target = dir.path / "results";
  fs::create_directories(dir.path / ".results.partial-999999" / "figures");
  fs::create_directory(dir.path / ".results.partial-mine");
  fs::create_directory(dir.path / ".other.partial-999999");
  {
    const report::result_folder living(target);
    REQUIRE(dnalm_test::error_id_of([&] { report::result_folder second(target); }) == "dnalm.io.591");
    REQUIRE_FALSE(fs::exists(dir.path / ".results.partial-999999"));
    REQUIRE(dir.entries() == 3);
  }
  REQUIRE(dir.entries() == 2);
}

TEST_CASE("earlier results that were taken aside come back, or go when there are newer ones", "[report]") {
  const scratch dir;
  const fs::path target = dir.path / "results";
  make_results(dir.path / "earlier", "earlier");
  fs::rename(dir.path / "earlier", dir.path / ".results.old-999999");
  { const report::result_folder given_up(target); }
  REQUIRE(first_line(target / "manifest.json") == "earlier");
  fs::create_directory(dir.path / ".results.old-999999");
  { const report::result_folder given_up(target); }
  REQUIRE(dir.entries() == 1);
  REQUIRE(first_line(target / "manifest.json") == "earlier");
}
