// SPDX-License-Identifier: Apache-2.0
#include <dnalm/core/thread_team.hpp>

#include <atomic>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <support/catch.hpp>
#include <support/thread_counter.hpp>

using dnalm::index_t;

TEST_CASE("a team runs every part exactly once, call after call", "[core][team]") {
  for (const int threads : {1, 2, 3, 7}) {
    dnalm::thread_team team(threads);
    REQUIRE(team.members() == threads);
    for (int call = 0; call < 300; ++call) {
      const index_t parts = call % 23;
      std::vector<int> runs(static_cast<std::size_t>(parts), 0);  // no atomics: the join must make them seen
      team.run(parts, [&](index_t part, int member) {
        if (member < 0 || member >= threads) throw std::runtime_error("no such member");
        ++runs[static_cast<std::size_t>(part)];
      });
      for (const int count : runs) REQUIRE(count == 1);
    }
  }
}

TEST_CASE("members of a team are different threads, the caller is the first", "[core][team]") {
  dnalm::thread_team team(4);
  std::vector<std::set<std::thread::id>> ids(4);
  for (int call = 0; call < 50; ++call) {
    team.run(64, [&](index_t, int member) {
      ids[static_cast<std::size_t>(member)].insert(std::this_thread::get_id());
    });
  }
  std::set<std::thread::id> all;
  std::size_t used = 0;
  for (const auto& of_member : ids) {
    REQUIRE(of_member.size() <= 1);
    used += of_member.size();
    all.insert(of_member.begin(), of_member.end());
  }
  REQUIRE(all.size() == used);
  REQUIRE((ids[0].empty() || *ids[0].begin() == std::this_thread::get_id()));
}

TEST_CASE("a team's threads sleep and wake", "[core][team]") {
  dnalm::thread_team team(3);
  for (int call = 0; call < 5; ++call) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));  // longer than a member spins
    std::atomic<index_t> sum{0};
    team.run(100, [&](index_t part, int) { sum += part; });
    REQUIRE(sum == 4950);
  }
}

TEST_CASE("the lowest failing part decides a team's error, and the team goes on", "[core][team]") {
  for (const int threads : {1, 2, 5}) {
    dnalm::thread_team team(threads);
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::string message;
      try {
        team.run(200, [](index_t part, int) {
          if (part % 50 == 37) throw std::runtime_error(std::to_string(part));
        });
      } catch (const std::runtime_error& e) {
        message = e.what();
      }
      REQUIRE(message == "37");
      std::atomic<int> count{0};
      team.run(9, [&](index_t, int) { ++count; });
      REQUIRE(count == 9);
    }
  }
}

TEST_CASE("a team cannot be called from within its own work", "[core][team]") {
  dnalm::thread_team team(2);
  const auto nested = [&](index_t, int) { team.run(1, [](index_t, int) {}); };
  REQUIRE_THROWS_WITH(team.run(4, nested), Catch::Contains("dnalm.usage.111"));
  std::atomic<int> count{0};
  team.run(4, [&](index_t, int) { ++count; });
  REQUIRE(count == 4);
}

TEST_CASE("a team starts one thread less than it has members, and takes them along", "[core][team]") {
  const int before = dnalm_test::running_threads();
  {
    const dnalm::thread_team alone(1);
    REQUIRE(dnalm_test::running_threads() == before);
    const dnalm::thread_team four(4);
    REQUIRE(dnalm_test::running_threads() == before + 3);
  }
  REQUIRE(dnalm_test::running_threads() == before);
}
