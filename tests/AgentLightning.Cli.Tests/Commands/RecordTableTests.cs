using AgentLightning.Cli.Output;
using AgentLightning.Common;
using Spectre.Console.Rendering;

namespace AgentLightning.Cli.Tests;

public sealed class RecordTableTests
{
    private const string First = "019ad1f2-77aa-7c31-8000-000000000001";
    private const string Second = "019ad1f2-77aa-7c32-9000-000000000002";

    private static RecordTable Episodes(params (string Id, string Input)[] rows)
    {
        var table = new RecordTable(
            new("id", ColumnKind.Id),
            new("created", ColumnKind.Fixed, Spare: 1),
            new("agent"),
            new("model", Spare: 3),
            new("ms", ColumnKind.Fixed, Spare: 2),
            new("input")
        );
        foreach (var (id, input) in rows)
        {
            table.Add(id, "2026-01-03 03:04:05Z", "support-of-the-shop", "gpt-4.1-mini-2026-01-01", "1234.56", input);
        }

        return table;
    }

    [Theory]
    [InlineData(80, "019ad1f2..0001")]
    [InlineData(120, First)]
    public void Each_record_is_one_line_that_the_terminal_does_not_break(int width, string id)
    {
        var table = Episodes(
            (First, "first line\nsecond line\u001b[2J " + new string('x', 500)),
            (Second, "日本語の長い質問です。" + new string('語', 90))
        );

        var lines = table.Lines(width).ToList();

        Assert.Equal(3, lines.Count);
        Assert.All(lines, line => Assert.True(new Segment(line).CellCount() <= width, $"{new Segment(line).CellCount()}: {line}"));
        Assert.All(lines, line => Assert.DoesNotContain(line, char.IsControl));
        Assert.StartsWith(id + " ", lines[1], StringComparison.Ordinal);
        Assert.EndsWith("…", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Short_forms_tell_the_ids_of_a_list_apart_and_show_no_id_twice()
    {
        string[] ids = [First, Second, "019ad1f2-77aa-7c31-8000-0000000a0001", "order-17", "019ad1f2..0001", First];
        var table = Episodes([.. ids.Select(id => (id, "question"))]);

        var shown = table.Lines(80).Skip(1).Select(line => line.Split(' ')[0]).ToList();

        Assert.Equal(shown[0], shown[^1]);
        Assert.Equal(5, shown.Distinct().Count());
        Assert.Equal("order-17", shown[3]);
        Assert.All(ids.Zip(shown).Where(pair => pair.First != pair.Second), pair =>
            Assert.Equal([pair.First], ids.Distinct().Where(ShortId.TryParse(pair.Second)!.Matches))
        );
    }

    [Fact]
    public void In_a_file_nothing_is_cut()
    {
        var input = new string('x', 500);

        var line = Episodes((First, input)).Lines(int.MaxValue).Last();

        Assert.StartsWith(First, line, StringComparison.Ordinal);
        Assert.EndsWith(input, line, StringComparison.Ordinal);
        Assert.Contains("gpt-4.1-mini-2026-01-01", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a plain question", "a plain question")]
    [InlineData("""{"comment":"The page is blank","type":"bug","rating":2,"page":"/x"}""", "The page is blank · bug · /x")]
    [InlineData("""{"title":"Broken","comment":"The \"search\" page is bl...""", "Broken · The \"search\" page is bl")]
    [InlineData("""{"comment":"The page is blank","type":"bug","rat...""", "The page is blank · bug")]
    [InlineData("""{"comment":"The page is blank","rating":...""", "The page is blank")]
    [InlineData("{no json", "{no json")]
    public void A_request_of_triage_is_shown_by_its_texts(string input, string shown) => Assert.Equal(shown, InputText.Of(input));

    [Fact]
    public void A_chart_of_a_run_is_cut_to_the_terminal()
    {
        Assert.Equal("step 1/2  rew…", Terminal.Cut("step 1/2  reward 0.5", 14));
        Assert.Equal("語語…", Terminal.Cut("語語語語", 5));
        Assert.Equal("short", Terminal.Cut("short", 5));
    }
}
