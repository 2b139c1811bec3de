// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/mapped_file.hpp>

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include <unit/io_binary/binary_files.hpp>

using dnalm::io::atomic_file;
using dnalm_test::content_of;
using dnalm_test::error_id_of;
using dnalm_test::memory_folder;

namespace {

/// Limits the size of files this process may write, as a full disk would.
class file_size_limit {
 public:
  explicit file_size_limit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~file_size_limit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  file_size_limit(const file_size_limit&) = delete;
  file_size_limit& operator=(const file_size_limit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

}  // namespace

TEST_CASE("an output file appears complete or not at all", "[io_binary]") {
  const memory_folder folder;
  {
    atomic_file file(folder / "a.txt");
    file.write("half");
    REQUIRE_FALSE(std::filesystem::exists(folder / "a.txt"));
  }
  REQUIRE(folder.files() == 0);
  atomic_file file(folder / "a.txt");
  file.write("one ");
  file.write("two");
  REQUIRE(file.size() == 7);
  file.commit();
  REQUIRE(content_of(folder / "a.txt") == "one two");
  REQUIRE(folder.files() == 1);
  REQUIRE(error_id_of([&] { file.write("more"); }) == "dnalm.usage.225");
  REQUIRE(error_id_of([&] { file.commit(); }) == "dnalm.usage.225");
}

TEST_CASE("an old file stays as it was until commit", "[io_binary]") {
  const memory_folder folder;
  folder.write("a.txt", "old");
  { atomic_file(folder / "a.txt").write("new"); }
  REQUIRE(content_of(folder / "a.txt") == "old");
  dnalm::io::write_file(folder / "a.txt", "new");
  REQUIRE(content_of(folder / "a.txt") == "new");
  REQUIRE(folder.files() == 1);
}

TEST_CASE("a moved output file is written once", "[io_binary]") {
  const memory_folder folder;
  atomic_file first(folder / "a.txt");
  first.write("a");
  atomic_file second(std::move(first));
  second.write("b");
  atomic_file third(folder / "b.txt");
  third.write("never");
  third = std::move(second);
  third.write("c");
  third.commit();
  REQUIRE(content_of(folder / "a.txt") == "abc");
  REQUIRE(folder.files() == 1);
}

TEST_CASE("large and small writes keep their order", "[io_binary]") {
  const memory_folder folder;
  std::string expected;
  atomic_file file(folder / "a");
  for (std::size_t i = 0; i < 40; ++i) {
    const std::string piece(i * i * 997, static_cast<char>('a' + i % 26));
    file.write(piece);
    expected += piece;
  }
  file.commit();
  REQUIRE(content_of(folder / "a") == expected);
}

TEST_CASE("a full disk is an error and leaves nothing behind", "[io_binary]") {
  const memory_folder folder;
  folder.write("a.bin", "old");
  const std::string much(3 << 20, 'x');
  {
    const file_size_limit limit(1 << 20);
    REQUIRE(error_id_of([&] { dnalm::io::write_file(folder / "a.bin", much); }) == "dnalm.io.223");
    // A small rest waits in memory until commit: the error must come there.
    atomic_file file(folder / "a.bin");
    REQUIRE(error_id_of([&] { file.write(std::string_view(much).substr(0, (1 << 20) - 5)); }).empty());
    REQUIRE(error_id_of([&] {
              file.write("0123456789");
              file.commit();
            }) == "dnalm.io.223");
  }
  REQUIRE(content_of(folder / "a.bin") == "old");
  REQUIRE(folder.files() == 1);
}

TEST_CASE("a device that is full is an error too", "[io_binary]") {
  if (!std::filesystem::exists("/dev/full")) return;
  REQUIRE(error_id_of([&] { dnalm::io::write_file("/dev/full", "x"); }) == "dnalm.io.223");
  REQUIRE(std::filesystem::is_character_file("/dev/full"));
  REQUIRE(error_id_of([&] { dnalm::io::write_file("/dev/null", "x"); }).empty());
  REQUIRE(std::filesystem::is_character_file("/dev/null"));
}

TEST_CASE("a target that cannot be created is an error", "[io_binary]") {
  const memory_folder folder;
  REQUIRE(error_id_of([&] { atomic_file(folder / "none/a.txt"); }) == "dnalm.io.222");
  REQUIRE(error_id_of([&] { atomic_file{folder.path()}; }) == "dnalm.io.222");
  REQUIRE(error_id_of([&] { atomic_file(""); }) == "dnalm.io.222");
}

TEST_CASE("a symbolic link keeps its place", "[io_binary]") {
  const memory_folder folder;
  folder.write("real.txt", "old");
  std::filesystem::create_symlink("real.txt", folder / "link.txt");
  dnalm::io::write_file(folder / "link.txt", "new");
  REQUIRE(std::filesystem::is_symlink(folder / "link.txt"));
  REQUIRE(content_of(folder / "real.txt") == "new");
}

TEST_CASE("only regular files are mapped", "[io_binary]") {
  const memory_folder folder;
  using dnalm::io::mapped_file;
  REQUIRE(mapped_file(folder.write("empty", "")).bytes().empty());
  mapped_file first(folder.write("a", "content"));
  const auto* address = first.bytes().data();
  mapped_file second(std::move(first));
  REQUIRE(second.bytes().data() == address);
  REQUIRE(second.bytes().size() == 7);
  REQUIRE(first.bytes().empty());  // NOLINT: moved from on purpose
  REQUIRE(error_id_of([&] { mapped_file(folder / "none"); }) == "dnalm.io.220");
  REQUIRE(error_id_of([&] { mapped_file{folder.path()}; }) == "dnalm.io.221");
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  REQUIRE(error_id_of([&] { mapped_file(folder / "pipe"); }) == "dnalm.io.221");
}
