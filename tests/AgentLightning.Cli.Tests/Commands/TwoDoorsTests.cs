using System.CommandLine;
using System.Text.Json;
using System.Text.RegularExpressions;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Server;
using AgentLightning.Testing;
using Microsoft.AspNetCore.Builder;

namespace AgentLightning.Cli.Tests.Commands;

/// <summary>Commands on records give one answer, one error and one exit code in a store and through a server that has it open.</summary>
public sealed partial class TwoDoorsTests(FinishedDemo demo)
{
    private const string Message = "01890a5d-ac96-774b-bcce-b302099a8057";

    private const string Lines = $$"""
        {"type":"episode","id":"e1","agent_id":"shop","user_input":"Where is my parcel?","assistant_output":"On its way.","message_id":"{{Message}}","user_id":"ann","created_at":"2026-01-02T03:04:05Z"}
        {"type":"reward","reward_id":"r1","episode_id":"e1","reward":0.5,"source":"eval_score","created_at":"2026-01-03T03:04:05Z"}
        no record
        """;

    /// <summary>
    /// What is typed, the exit code, and a part of what is said. <c>{lines}</c>, <c>{good-run}</c> and <c>{bad-run}</c> stand for a file and
    /// for runs of the demo. Each line finds what those above it left.
    /// </summary>
    private static readonly (string Line, int ExitCode, string Says)[] s_table =
    [
        ("stats", 0, "serves now"),
        ("stats --json", 0, "\"total_deployments\": 4"),
        ("episodes list --limit 3", 0, "demo-"),
        ("episodes list --limit 3 --json", 0, "\"episodes_found\": 3"),
        ("episodes list --limit 0", 2, "limit must be from 1 to 1000, but it is 0"),
        ("episodes list --before nobody", 1, "nobody"),
        ("episodes show demo-capture-000000", 0, "demo-capture-000000"),
        ("episodes show demo-capture-000000 --json", 0, "\"rewards\""),
        ("episodes show nobody", 1, "Episode nobody not found"),
        ("episodes show demo-c..ture-000000 --json", 0, "\"id\": \"demo-capture-000000\""),
        ("episodes show demo-capture-0000", 2, "is a part of the id of more than one episode: demo-capture-000000, demo-capture-000001,"),
        ("rewards list --episode-id demo-c..ture-000000 --json", 0, "\"episode_id\": \"demo-capture-000000\""),
        ("label-episode --episode-id demo-capture --reward 1", 2, "and more. Give more of it."),
        ("episodes import {lines} --json", 1, "\"accepted\": 2"),
        ("episodes import {lines}", 1, "2 were there already"),
        ("episodes import missing.jsonl", 2, "There is no file 'missing.jsonl'"),
        ("episodes export --agent-id shop", 0, "\"type\":\"reward\""),
        ("label-episode --episode-id e1 --reward 1 --feedback right --json", 0, "\"value\": 1"),
        ("label-episode --episode-id nobody --reward 1", 1, "Episode nobody not found"),
        ("label-episode --episode-id e1 --reward 2", 2, "from -1 to 1, but it is 2"),
        ("rewards list --episode-id e1 --json", 0, "\"rewards_found\": 2"),
        ("rewards list --limit 2", 0, "human_approval"),
        ("rewards list --before nobody", 1, "nobody"),
        ($"feedback add --message-id {Message} --type thumbs_up --user ann --feedback-id f1 --json", 0, "\"feedback_id\": \"f1\""),
        ($"feedback add --message-id {Message} --type copy --user bob", 1, "Access denied to this conversation"),
        ($"feedback add --message-id {Message} --type applause", 2, "Invalid feedback_type: applause"),
        ("feedback list --agent-id shop --json", 0, "thumbs_up"),
        ("feedback list --limit 0", 2, "limit must be from 1 to 1000"),
        ("feedback stats --agent-id shop --json", 0, "\"total_feedback\": 1"),
        ("feedback stats --days 0", 2, "days must be from 1 to 366"),
        ("triage run no-page-loads --agent-id shop --json", 0, "\"model\": \"triage-rules\""),
        ("triage run no-page-loads --rating 6 --agent-id shop", 2, "from 1 to 5"),
        ("build-dataset --agent-id shop --preview", 0, "would be in it"),
        ("build-dataset --agent-id shop --name week --preview --json", 0, "\"training_count\": 1"),
        ("build-dataset --agent-id shop --name week --min-episodes 9", 1, "Only 1 episodes qualify for dataset 'week' of agent 'shop'"),
        ("build-dataset --agent-id shop --sources applause", 2, "sources must be one of"),
        ("build-dataset --agent-id shop --kind tables", 2, "kind must be one of classification, chat"),
        ("build-dataset --agent-id shop --reward-threshold 2", 2, "must be from -1 to 1, but it is 2"),
        ("build-dataset --agent-id nobody", 1, "No qualifying episodes found for dataset"),
        ("build-golden --agent-id shop --golden-file missing.jsonl", 2, "There is no file 'missing.jsonl'"),
        ("build-golden --agent-id shop --name golden --golden-file {lines}", 1, "No conversations found for dataset 'golden': 3 lines"),
        ("list-datasets --limit 0", 2, "limit must be from 1 to 1000, but it is 0"),
        ("list-datasets --agent-id triage", 0, "classification"),
        ("datasets export --dataset-id nobody", 1, "Dataset nobody not found."),
        ("datasets export --dataset-id nobody --format parquet", 2, "--format must be one of jsonl"),
        ("lineage --user nobody", 0, "No data set holds anything of it."),
        ("lineage --episode demo-capture-000000 --json", 0, "\"data_sets\""),
        ("lineage --user a --session b", 2, "Exactly one of user_id, session_id and episode_id"),
        ("doctor", 0, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("doctor --json", 0, "\"stored_spans\": 0"),
        ("lineage", 0, "active"),
        ("lineage --json", 0, "\"lineage\""),
        ("train --dataset-id nobody --no-wait", 1, "nobody"),
        ("status --run-id nobody", 1, "nobody"),
        ("cancel --run-id nobody", 1, "nobody"),
        ("list-runs --agent-id shop --json", 0, "\"runs"),
        ("promote --run-id nobody", 1, "Training run nobody of agent 'triage' not found."),
        ("promote --run-id {good-run} --agent-id shop", 1, "of agent 'shop' not found."),
        ("promote --run-id {bad-run}", 1, "The gate has not passed"),
        ("promote --run-id {good-run}", 1, "already active"),
        ("promote --run-id {bad-run} --force --promoted-by ada --json", 0, "\"forced\": true"),
        ("rollback --target-id nobody", 1, "Release nobody of agent 'triage' not found among its former releases."),
        ("rollback --reason worse --json", 0, "\"rollback_reason\": \"worse\""),
        ("rollback --agent-id shop", 1, "no active release to roll back from"),
        ("audit list --limit 3 --json", 0, "rolled_back"),
        ("audit list --action promoted", 0, "promoted"),
        ("audit list --action stolen", 2, "key_revoked"),
        ("evaluate --run-id nobody", 1, "Training run nobody of agent 'triage' not found."),
        ("evaluate --run-id {bad-run}", 1, "worse: difference"),
        ("list-deployments", 0, "active"),
        ("list-deployments --limit 0", 2, "limit must be from 1 to 1000, but it is 0."),
        ("experiment list", 0, "experiment"),
        ("experiment status", 1, "has had no experiment in slot 'production'."),
        ("experiment start --run-id {bad-run}", 1, "The gate has not passed"),
        ("experiment start --run-id {bad-run} --force --reason look", 0, "control 80 %, candidate 20 %"),
        ("experiment status --json", 0, "\"decision\""),
        ("experiment step --split 50", 0, "candidate 50 %"),
        ("experiment stop --promote nobody", 2, "has no candidate 'nobody'"),
        ("experiment stop --reason seen", 0, "is stopped: seen"),
        ("deactivate --reason holiday", 0, "Left: release"),
        ("deactivate --json", 0, "No active tuned model. Using base model."),
        ("episodes delete --id e1 --id nobody --json", 1, "\"removed\": 1"),
        ("episodes delete --agent-id shop", 0, "1 episodes deleted"),
        ("episodes delete", 2, "What to delete must be named"),
        ("keys list --json", 0, "\"keys_found\": 0"),
        ("keys revoke nobody", 1, "Key nobody not found."),
        ("keys create --name x --role read --expires-days 0", 2, "3650"),
        ("keys create --name nightly --role admin --agent shop --expires-days 30 --json", 0, "\"agents\": ["),
    ];

    private static readonly string[] s_ofTheStoreItself = ["serve", "db migrate", "db check"];

    [Fact]
    public async Task Every_command_on_records_says_the_same_through_both_doors()
    {
        using var folder = new TemporaryFolder();
        using var other = new TemporaryFolder();
        var here = Path.Combine(demo.CopyTo(folder), "lightning.db");
        await using var server = await ServeAsync(Path.Combine(demo.CopyTo(other), "lightning.db"));
        await File.WriteAllTextAsync(folder.File("in.jsonl"), Lines, TestContext.Current.CancellationToken);
        string[] store = ["--store", here];
        string[] through = ["--server", server.Urls.Single()];
        var lineage = (await Lightning.RunHereAsync(["lineage", "--json", .. store])).Json().GetProperty("lineage");

        var wrong = new List<string>();

        foreach (var (line, exitCode, says) in s_table)
        {
            string[] words =
            [
                .. line.Split(' ')
                    .Select(word =>
                        word.Replace("{lines}", folder.File("in.jsonl"), StringComparison.Ordinal)
                            .Replace("{good-run}", RunOf(lineage[2]), StringComparison.Ordinal)
                            .Replace("{bad-run}", RunOf(lineage[1]), StringComparison.Ordinal)
                    ),
            ];

            var first = await Lightning.RunHereAsync([.. words, .. store]);
            var second = await Lightning.RunHereAsync([.. words, .. through]);

            if (
                (first.ExitCode, second.ExitCode) != (exitCode, exitCode)
                || !(first.Out + first.Error).Contains(says, StringComparison.Ordinal)
                || Plain(first.Out + first.Error) != Plain(second.Out + second.Error)
            )
            {
                wrong.Add($"{line}: expected {exitCode} and '{says}'\nstore: {first}\nserver: {second}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join("\n\n", wrong));
    }

    [Fact]
    public async Task With_keys_a_server_asks_for_one_and_an_admin_manages_them_there_as_in_the_store()
    {
        using var folder = new TemporaryFolder();
        await Lightning.MakeStoreAsync(folder.File("new.db"));
        string[] store = ["--store", folder.File("new.db")];
        await using var server = await ServeAsync(folder.File("new.db"));
        string[] through = ["--server", server.Urls.Single()];

        var admin = (await Lightning.RunHereAsync(["keys", "create", "--name", "root", "--role", "admin", .. store])).Out.Trim();
        var refused = (await Lightning.RunHereAsync(["keys", "list", .. through])).Failed(1);
        string[] withKey = [.. through, "--api-key", admin];
        var made = (
            await Lightning.RunHereAsync(["keys", "create", "--name", "shop", "--role", "admin", "--agent", "shop", "--json", .. withKey])
        ).Json();
        string[] ofShop = [.. through, "--api-key", made.GetProperty("key").GetString()!];
        var forbidden = (await Lightning.RunHereAsync(["keys", "list", .. ofShop])).Failed(1);
        var revoked = await Lightning.RunHereAsync(["keys", "revoke", made.GetProperty("id").GetString()!, .. withKey]);
        var listed = (await Lightning.RunHereAsync(["keys", "list", "--json", .. store])).Json();
        var audit = (await Lightning.RunHereAsync(["audit", "list", "--json", .. store])).Json().GetProperty("entries");

        Assert.Contains("asks for an API key", refused, StringComparison.Ordinal);
        Assert.Contains("for all of them", forbidden, StringComparison.Ordinal);
        Assert.Contains("is revoked", revoked.Out, StringComparison.Ordinal);
        Assert.Equal(["shop", "root"], listed.GetProperty("keys").EnumerateArray().Select(key => key.GetProperty("name").GetString()));
        Assert.Equal(
            [$"key {admin.Split('_')[1]}", $"key {admin.Split('_')[1]}", "cli"],
            audit.EnumerateArray().Select(entry => entry.GetProperty("actor").GetString())
        );
    }

    [Fact]
    public async Task Health_is_told_of_a_store_and_of_a_server()
    {
        using var folder = new TemporaryFolder();
        await Lightning.MakeStoreAsync(folder.File("new.db"));
        await using var server = await ServeAsync(folder.File("new.db"));

        var ofStore = (await Lightning.RunHereAsync("health", "--json", "--store", folder.File("new.db"))).Json();
        var ofServer = (await Lightning.RunHereAsync("health", "--json", "--server", server.Urls.Single())).Json();

        foreach (var name in new[] { "status", "initialized", "database", "auth_mode" })
        {
            Assert.Equal(ofServer.GetProperty(name).GetRawText(), ofStore.GetProperty(name).GetRawText());
        }
    }

    [Fact]
    public void Every_command_that_takes_a_store_takes_a_server_and_stands_in_the_table()
    {
        var commands = CommandTree.Commands().Where(command => Has(command.Command, "--store")).ToList();

        Assert.Equal(
            s_ofTheStoreItself.Order(StringComparer.Ordinal),
            commands.Where(command => !Has(command.Command, "--server")).Select(command => command.Path).Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            commands.Select(command => command.Path).Except([.. s_ofTheStoreItself, "health", "init"]).Order(StringComparer.Ordinal),
            commands
                .Select(command => command.Path)
                .Where(path => s_table.Any(row => row.Line == path || row.Line.StartsWith(path + " ", StringComparison.Ordinal)))
                .Order(StringComparer.Ordinal)
        );

        static bool Has(Command command, string option) => command.Options.Any(one => one.Name == option);
    }

    [Theory]
    [InlineData("give one of them", "stats", "--store", "a.db", "--server", "http://127.0.0.1:1")]
    [InlineData("--api-key is for a server", "stats", "--store", "a.db", "--api-key", "x")]
    [InlineData("--server must be an address", "keys", "list", "--server", "nowhere")]
    public async Task Options_that_do_not_go_together_are_refused(string says, params string[] line) =>
        Assert.Contains(says, (await Lightning.RunHereAsync(line)).Failed(2), StringComparison.Ordinal);

    [Theory]
    [InlineData("stats")]
    [InlineData("episodes list")]
    [InlineData("episodes import {lines}")]
    [InlineData("keys create --name x --role read")]
    [InlineData("audit list")]
    [InlineData("lineage")]
    [InlineData("rollback")]
    [InlineData("doctor")]
    [InlineData("triage run text")]
    public async Task A_store_of_an_older_program_is_told_with_the_command_that_mends_it_and_left_as_it_was(string line)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("old.db");
        await File.WriteAllTextAsync(folder.File("in.jsonl"), Lines, TestContext.Current.CancellationToken);
        await Lightning.MakeStoreAsync(path);
        using (var connection = SqliteFile.Open(path, Microsoft.Data.Sqlite.SqliteOpenMode.ReadWrite))
        {
            using var command = connection.CreateCommand();
            command.CommandText = "DELETE FROM schema_migrations WHERE version = (SELECT MAX(version) FROM schema_migrations)";
            command.ExecuteNonQuery();
        }

        var before = Steps();
        string[] words = [.. line.Replace("{lines}", folder.File("in.jsonl"), StringComparison.Ordinal).Split(' '), "--store", path];

        Assert.Contains("lightning db migrate", (await Lightning.RunHereAsync(words)).Failed(1), StringComparison.Ordinal);
        Assert.Equal(before, Steps());
        var health = await Lightning.RunHereAsync("health", "--store", path);
        Assert.Equal(1, health.ExitCode);
        Assert.Contains("lightning db migrate", health.Out, StringComparison.Ordinal);

        string[] Steps() => [.. SqliteFile.Rows(path, "SELECT name FROM schema_migrations ORDER BY version")];
    }

    private static async Task<WebApplication> ServeAsync(string store)
    {
        var app = await LightningServer.BuildAsync(
            new LightningServerOptions
            {
                Urls = "http://127.0.0.1:0",
                Lightning = new LightningOptions { Store = store },
            },
            TestContext.Current.CancellationToken
        );
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }

    private static string RunOf(JsonElement entry) => entry.GetProperty("training_run").GetProperty("id").GetString()!;

    /// <summary>Without what differs by chance, by the clock, or by who asks.</summary>
    private static string Plain(string text) => Actors().Replace(Chance().Replace(text, "…"), "$1…");

    [GeneratedRegex(
        @"lk_[0-9a-f]{16}_[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{16}\b|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z"
    )]
    private static partial Regex Chance();

    [GeneratedRegex(@"(""actor"": ""|  )(cli|api)\b *")]
    private static partial Regex Actors();
}
