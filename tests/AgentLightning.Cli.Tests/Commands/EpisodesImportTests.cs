using System.Text;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

public sealed class EpisodesImportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Lines_that_are_refused_are_summed_up_by_reason_and_only_the_first_are_told()
    {
        var lines = Enumerable
            .Range(0, 3_000)
            .Select(i =>
                (i % 3) switch
                {
                    0 => Episode($"e{i}"),
                    1 => $$"""{"type":"reward","episode_id":"nobody-{{i}}","reward":1}""",
                    _ => "{not json",
                }
            );
        await WriteAsync(lines);

        var outcome = await ImportAsync();

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("1000 records stored, 0 were there already, 2000 refused", outcome.Out, StringComparison.Ordinal);
        Assert.InRange(outcome.Error.Count(c => c == '\n'), 3, 20);
        Assert.Contains("   1,000 lines, the first is 2: Episode … not found", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("   1,000 lines, the first is 3: The line cannot be read as JSON.", outcome.Error, StringComparison.Ordinal);

        var json = await ImportAsync("--json");
        Assert.Equal(1, json.ExitCode);
        Assert.Contains("\"refused\": 2000", json.Out, StringComparison.Ordinal);
        Assert.Contains("\"first_line\": 2", json.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Numbers_in_lines_are_read_in_the_invariant_form_only()
    {
        await WriteAsync([
            Episode("e1"),
            """{"type":"reward","episode_id":"e1","reward":"0,1"}""",
            """{"type":"reward","episode_id":"e1","reward":0,1}""",
            """{"type":"reward","episode_id":"e1","reward":0.1}""",
        ]);

        var outcome = await ImportAsync();

        Assert.Contains("2 records stored, 0 were there already, 2 refused", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("line 2: ", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("line 3: ", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_line_that_is_not_utf_8_is_refused_with_its_byte_and_the_others_keep_their_numbers()
    {
        await File.WriteAllBytesAsync(
            _folder.File("in.jsonl"),
            [
                .. Encoding.UTF8.Preamble,
                .. Encoding.UTF8.GetBytes(Episode("e1") + "\n"),
                .. Encoding.Latin1.GetBytes("""{"type":"episode","id":"e2","user_input":"café"}""" + "\n"),
                .. Encoding.UTF8.GetBytes("""{"type":"reward","episode_id":"e9","reward":1}""" + "\n" + Episode("e4")),
            ],
            TestContext.Current.CancellationToken
        );

        var outcome = await ImportAsync();

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("2 records stored, 0 were there already, 2 refused", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("line 2: Not UTF-8 at byte 46 of the line.", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("line 3: Episode e9 not found", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reward_far_before_its_episode_is_given_when_the_episode_has_come()
    {
        await WriteAsync(
            Enumerable
                .Range(0, 2_500)
                .Select(i => $$"""{"type":"reward","reward_id":"r{{i}}","episode_id":"e{{i}}","reward":1}""")
                .Append("""{"type":"reward","episode_id":"nobody","reward":1}""")
                .Concat(Enumerable.Range(0, 2_500).Select(i => Episode($"e{i}")))
        );

        var outcome = await ImportAsync();

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("5000 records stored, 0 were there already, 1 refused", outcome.Out, StringComparison.Ordinal);
        Assert.Contains("line 2501: Episode nobody not found", outcome.Error, StringComparison.Ordinal);
    }

    private static string Episode(string id) =>
        $$"""{"type":"episode","id":"{{id}}","agent_id":"shop","user_input":"question","assistant_output":"answer"}""";

    private Task WriteAsync(IEnumerable<string> lines) =>
        File.WriteAllLinesAsync(_folder.File("in.jsonl"), lines, TestContext.Current.CancellationToken);

    private async Task<Outcome> ImportAsync(params string[] more)
    {
        await Lightning.MakeStoreAsync(_folder.File("shop.db"));
        return await Lightning.RunAsync(_folder.Path, ["episodes", "import", "in.jsonl", "--store", "shop.db", .. more]);
    }
}
