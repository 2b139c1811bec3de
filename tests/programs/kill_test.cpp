// SPDX-License-Identifier: Apache-2.0
// Programs that are killed at random moments: what stands at the final name is complete, and the next run
// gives the same bytes and clears away what the killed ones left. DNALM_KILL_SEED chooses other moments.
#include <chrono>
#include <cstdlib>
#include <thread>

#include "child.hpp"

#include <support/catch.hpp>

using namespace workbench;
using files = std::map<std::string, std::string>;

namespace {

/// The sanitizer lane, where a run takes many times as long, is content with 10.
const int wanted_kills = std::getenv("DNALM_TEST_STRIDE") == nullptr ? 50 : 10;

std::uint64_t chosen_seed() {
  const char* text = std::getenv("DNALM_KILL_SEED");
  return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

/// What the runs of one program share.
struct killing {
  std::vector<std::string> arguments;
  fs::path target;
  files earlier;  ///< what lies at the target before every second run; empty: nothing
  files finished = {};
  double seconds = 0;
  int kills = 0;
  int with_leftovers = 0;
};

void put(const fs::path& target, const files& content) {
  fs::remove_all(target);
  for (const auto& [name, text] : content) {
    const fs::path place = name.empty() ? target : target / name;
    if (text == "a folder") {
      fs::create_directories(place);
    } else {
      fs::create_directories(place.parent_path());
      write(place, text);
    }
  }
}

/// Hidden entries beside the target.
int leftovers(const fs::path& target) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(target.parent_path())) {
    count += entry.path().filename().string().rfind("." + target.filename().string() + ".", 0) == 0 ? 1 : 0;
  }
  return count;
}

/// The result and the time of a run that nobody disturbs.
void run_undisturbed(killing& k) {
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE(wait_for(start(k.arguments)) == 0);
  k.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  k.finished = snapshot(k.target);
  REQUIRE_FALSE(k.finished.empty());
  REQUIRE(leftovers(k.target) == 0);
}

/// Kills one run after a share of the time that a whole one takes. Earlier leftovers stay for the next run.
void kill_once(killing& k, double share, bool replacing) {
  const files before = replacing ? k.earlier : files();
  put(k.target, before);
  const pid_t child = start(k.arguments);
  std::this_thread::sleep_for(std::chrono::duration<double>(share * k.seconds));
  ::kill(child, SIGKILL);
  k.kills += wait_for(child) == 128 + SIGKILL ? 1 : 0;
  k.with_leftovers += leftovers(k.target) > 0 ? 1 : 0;
  const files after = snapshot(k.target);
  const bool complete = after == before || after == k.finished;
  if (!complete) {
    std::string names;
    for (const auto& [name, text] : after) names += " " + name + " (" + std::to_string(text.size()) + ")";
    INFO("found:" << names);
    REQUIRE(complete);
  }
}

void kill_many(killing& k) {
  dnalm::philox random(chosen_seed(), dnalm::hash_name(k.arguments[0]));
  run_undisturbed(k);
  for (int attempt = 0; k.kills < wanted_kills && attempt < 4 * wanted_kills; ++attempt) {
    const double share = 1.02 * random.uniform();
    INFO("seed " << chosen_seed() << ", attempt " << attempt << ", share " << share);
    kill_once(k, share, attempt % 2 == 1);
  }
  CHECK(k.kills == wanted_kills);
  CHECK(k.with_leftovers > 0);  // else nothing was tried
  for (const bool replacing : {true, false}) {
    put(k.target, replacing ? k.earlier : files());
    REQUIRE(wait_for(start(k.arguments)) == 0);
    REQUIRE(snapshot(k.target) == k.finished);
    REQUIRE(leftovers(k.target) == 0);
  }
}

}  // namespace

TEST_CASE("dnalm-embed killed at 50 random moments leaves nothing half-written", "[programs][kill]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const std::string table = make_table(dir, "t.tsv", {.rows = 80});
  killing k{{"dnalm-embed", "--model", model, "--input", table, "--pool", "mean,tokens", "--logits",
             "--output", dir / "x.npz"},
            dir / "x.npz",
            {{"", "precious"}}};
  kill_many(k);
  REQUIRE(dir.entries() == std::set<std::string>{"tiny", "t.tsv", "x.npz"});
}

TEST_CASE("dnalm-evaluate killed at 50 random moments leaves nothing half-written", "[programs][kill]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const std::string table = make_table(dir, "t.tsv", {.rows = 60});
  const auto command = [&](const std::string& seed) {
    return std::vector<std::string>{"dnalm-evaluate", "--model",     model,    "--data",   table,
                                    "--out",          dir / "out",   "--seed", seed,       "--pool",
                                    "mean,max",       "--bootstrap", "200",    "--memory", "64K"};
  };
  REQUIRE(wait_for(start(command("2"))) == 0);
  killing k{command("1"), dir / "out", snapshot(dir / "out")};
  fs::remove_all(k.target);
  kill_many(k);
  REQUIRE(k.finished != k.earlier);
  REQUIRE(dir.entries() == std::set<std::string>{"tiny", "t.tsv", "out"});
}

TEST_CASE("what a living writer is writing is no leftover", "[programs][kill]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const std::string table = make_table(dir, "t.tsv", {.rows = 80});
  const std::vector<std::string> command = {"dnalm-embed", "--model",  model,      "--input",
                                            table,         "--logits", "--output", dir / "x.npz"};
  REQUIRE(wait_for(start(command)) == 0);
  const std::string expected = content(dir / "x.npz");
  for (int round = 0; round < 10; ++round) {
    std::vector<pid_t> writers;
    for (int i = 0; i < 4; ++i) writers.push_back(start(command));
    for (const pid_t writer : writers) REQUIRE(wait_for(writer) == 0);
    REQUIRE(content(dir / "x.npz") == expected);
    REQUIRE(leftovers(dir / "x.npz") == 0);
  }
}

TEST_CASE("earlier results that a killed writer had taken aside are put back", "[programs][kill]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const std::string table = make_table(dir, "t.tsv", {.rows = 60});
  const std::vector<std::string> command = {
      "dnalm-evaluate", "--model", model,        "--data", table,   "--layers", "last",
      "--bootstrap",    "0",       "--baseline", "none",   "--out", dir / "out"};
  REQUIRE(wait_for(start(command)) == 0);
  const files finished = snapshot(dir / "out");
  // As on a file system that cannot exchange two names, killed between its two renames.
  fs::rename(dir / "out", dir / ".out.old-999999");
  fs::create_directory(dir / ".out.partial-999999");
  std::vector<std::string> failing = command;
  failing[2] = dir / "nowhere";
  REQUIRE(wait_for(start(failing)) == 3);
  REQUIRE(snapshot(dir / "out") == finished);
  REQUIRE(dir.entries() == std::set<std::string>{"tiny", "t.tsv", "out"});
}
