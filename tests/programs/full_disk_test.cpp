// SPDX-License-Identifier: Apache-2.0
// A full disk, a limit on file sizes and outputs that may not be written: the error, exit code 3, the path as
// the user gave it, and nothing left behind.
#include <sys/mount.h>

#include <cstdio>

#include "child.hpp"

#include <support/catch.hpp>

using namespace workbench;

namespace {

/// A small disk of its own (tmpfs); only root can make one.
class small_disk {
 public:
  small_disk(const fs::path& place, const std::string& size) : place_(place) {
    fs::create_directory(place_);
    mounted_ = ::mount("tmpfs", place_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
    if (!mounted_) std::printf("skipped: a small disk cannot be mounted here\n");
  }
  ~small_disk() {
    if (mounted_) ::umount2(place_.c_str(), MNT_DETACH);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }

 private:
  fs::path place_;
  bool mounted_ = false;
};

std::vector<std::string> embed_command(const std::string& model, const std::string& table,
                                       const std::string& output) {
  return {"dnalm-embed", "--model",     model,      "--input",  table,
          "--pool",      "mean,tokens", "--logits", "--output", output};
}
std::vector<std::string> evaluate_command(const std::string& model, const std::string& table,
                                          const std::string& out) {
  return {"dnalm-evaluate", "--model", model,   "--data", table, "--bootstrap", "0",
          "--memory",       "64K",     "--out", out};
}

/// One line with the id, exit code 3, the user's path and no temporary one.
void require_error(const outcome& result, const std::string& id, const std::string& path) {
  INFO(result.err);
  REQUIRE(result.code == 3);
  REQUIRE(result.id() == id);
  REQUIRE(result.err.find(path) != std::string::npos);
  REQUIRE(result.err.find(".partial") == std::string::npos);
  REQUIRE(result.err.find(".part") == std::string::npos);
}

}  // namespace

TEST_CASE("a limit on the size of files stops the programs with an error", "[programs][disk]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const std::string table = make_table(dir, "t.tsv");
  const auto before = dir.entries();
  for (const rlim_t limit : {rlim_t{0}, rlim_t{100}, rlim_t{4096}}) {
    INFO("limit " << limit);
    require_error(run_child(embed_command(model, table, dir / "x.npz"), {.file_limit = limit}),
                  "dnalm.io.223", dir / "x.npz");
    REQUIRE(dir.entries() == before);
    const auto evaluated = run_child(evaluate_command(model, table, dir / "out"), {.file_limit = limit});
    const bool spilling = evaluated.id() == "dnalm.io.531";  // the vectors, before any file of results
    require_error(evaluated, spilling ? "dnalm.io.531" : "dnalm.io.223", dir / "out");
    REQUIRE(dir.entries() == before);
  }
}

TEST_CASE("a device without room is told", "[programs][disk]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const std::string table = make_table(dir, "t.tsv");
  require_error(run_child(embed_command(model, table, "/dev/full")), "dnalm.io.223", "/dev/full");
}

TEST_CASE("a full disk stops the programs with an error, earlier results stay", "[programs][disk]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const std::string table = make_table(dir, "t.tsv");
  for (const std::string size : {"4k", "64k", "128k"}) {
    INFO("disk of " << size);
    const fs::path disk = dir.path / ("disk" + size);
    const small_disk mounted(disk, size);
    if (!mounted.mounted()) return;
    require_error(run_child(embed_command(model, table, disk / "x.npz")), "dnalm.io.223", disk / "x.npz");
    REQUIRE(fs::is_empty(disk));
    write(disk / "x.npz", "precious");
    const auto evaluated = run_child(evaluate_command(model, table, disk / "out"));
    INFO(evaluated.err);
    REQUIRE(evaluated.code == 3);
    REQUIRE(evaluated.err.find((disk / "out").string()) != std::string::npos);
    REQUIRE(evaluated.err.find(".partial") == std::string::npos);
    REQUIRE(snapshot(disk).size() == 1);
    REQUIRE(content(disk / "x.npz") == "precious");
  }
}

TEST_CASE("an output that may not be written is told before the work begins", "[programs][disk]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const std::string table = make_table(dir, "t.tsv");
  const fs::path locked = dir.path / "locked";
  fs::create_directory(locked);
  write(locked / "x.npz", "precious");
  fs::permissions(locked, fs::perms::owner_read | fs::perms::owner_exec | fs::perms::group_read |
                              fs::perms::group_exec | fs::perms::others_read | fs::perms::others_exec);
  const auto embedded = run_child(embed_command(model, table, locked / "x.npz"), {.unprivileged = true});
  if (embedded.code == 127) {
    std::printf("skipped: the programs cannot be started without root's rights here\n");
    return;
  }
  require_error(embedded, "dnalm.io.222", locked / "x.npz");
  REQUIRE(content(locked / "x.npz") == "precious");
  require_error(run_child(evaluate_command(model, table, locked / "out"), {.unprivileged = true}),
                "dnalm.io.591", locked / "out");
  require_error(run_child(evaluate_command(model, table, locked / "deep/out"), {.unprivileged = true}),
                "dnalm.io.591", locked / "deep");
  REQUIRE(snapshot(locked).size() == 1);
}
