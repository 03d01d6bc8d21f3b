using System.Text;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Common;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

public sealed class CsvFaultTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public CsvFaultTests() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_in_windows_1252_is_refused_with_line_and_byte_and_read_with_its_encoding()
    {
        Write("text,label\r\n\"Größe, “zitiert”\",bug\r\nnice,praise\r\n", Encoding.GetEncoding(1252));

        var message = Refused();
        Assert.Contains("line 2, byte 4 of it: 0xF6 is not UTF-8", message, StringComparison.Ordinal);
        Assert.Contains("--encoding, windows-1252", message, StringComparison.Ordinal);

        Assert.Equal(["Größe, “zitiert”", "nice"], Texts(encoding: "windows-1252"));
    }

    [Fact]
    public void A_character_that_a_read_cuts_in_two_is_no_fault_and_one_that_the_file_cuts_off_is()
    {
        var text = $"text,label\n{string.Concat(Enumerable.Repeat("日本語🙂", 20_000))}x,bug\nnice,praise\n";
        Write(text, Encoding.UTF8);
        Assert.Equal(2, Texts().Count);

        File.WriteAllBytes(Path, [.. Encoding.UTF8.GetBytes("text,label\nnice,praise\nwell,bu"), 0xF0, 0x9F]);
        Assert.Contains("line 3, byte 8 of it: 0xF0", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void Marks_at_the_beginning_of_utf_8_and_of_utf_16_are_understood()
    {
        Write("text,label\ncafé,bug\n", new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        Assert.Equal(["café"], Texts());

        Write("text,label\ncafé,bug\n", Encoding.Unicode);
        Assert.Equal(["café"], Texts());
    }

    [Fact]
    public void An_encoding_that_is_none_is_named() =>
        Assert.Contains(
            "--encoding must be the name of an encoding",
            Assert.Throws<LightningException>(() => Texts("text,label\na,b\n", encoding: "windows-9")).Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("text,label\ngood,bug\n\"never closed, praise\n", "opens a field in line 3 never closes")]
    [InlineData(
        "text,label\n\"never closed, bug\n\"nice one\",praise\n",
        "opens a field in line 2 does not close: after the next one, in line 3"
    )]
    [InlineData("text,label\n\"two\nlines\",bug\n\"a \"word\" of\",praise\n", "opens a field in line 4 does not close")]
    public void A_quote_that_is_not_closed_is_refused_with_the_line_where_it_opens(string content, string message) =>
        Assert.Contains(message, Refused(content), StringComparison.Ordinal);

    [Fact]
    public void A_row_with_another_number_of_fields_than_the_header_is_refused_with_its_line()
    {
        Assert.Contains("Row 3 of", Refused("text,label\ngood,bug\nnice, but slow,praise\n"), StringComparison.Ordinal);
        Assert.Contains("ends in line 2, has 1 fields, and the header has 2", Refused("text,label\ngood\n"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("text;label\n\"a, b\";bug\n", null)]
    [InlineData("text\tlabel\na, b\tbug\n", null)]
    [InlineData("text|label\na, b|bug\n", null)]
    [InlineData("\"text\";\"label\"\na, b;bug\n", null)]
    [InlineData("text:label\na, b:bug\n", ':')]
    public void What_stands_between_columns_is_found_or_can_be_told(string content, char? delimiter) =>
        Assert.Equal(["a, b"], Texts(content, delimiter: delimiter));

    [Fact]
    public void A_header_of_one_column_points_to_the_option_that_divides_it() =>
        Assert.Contains("--delimiter", Refused("text:label\na:b\n"), StringComparison.Ordinal);

    [Fact]
    public void A_column_is_found_without_the_blanks_around_its_name_and_in_any_case()
    {
        Assert.Equal(["a"], Texts(" Text , LABEL \na,b\n"));
        Assert.Equal(["a"], Texts("text,TEXT,label\na,b,c\n"));

        var message = Assert.Throws<LightningException>(() => Texts("Text,TEXT,label\na,b,c\n")).Message;
        Assert.Contains("2 columns that 'text' may mean: 'Text', 'TEXT'", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Labels_that_differ_only_in_case_or_blanks_are_warned_about()
    {
        var rows = CsvFile.TwoKinds(40).ToList();
        (rows[0][1], rows[2][1]) = ("BUG", " Bug  ");
        CsvFile.Write(_folder.File("data.csv"), rows);

        var trained = await Lightning.RunAsync(
            _folder.Path,
            ["triage", "train", "--data", "data.csv", "--text-column", " Text", "--label-column", "LABEL", "--out", "out", "--json"]
        );

        Assert.Equal(40, trained.Json().GetProperty("examples").GetInt32());
        Assert.Contains(
            "warning: the labels 'BUG' (1 rows) and 'Bug' (1 rows) and 'bug' (18 rows) differ only in case or blanks",
            trained.Error,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("data.csv", "triage", "train", "--data", "data.csv", "--text-column", "text", "--label-column", "label", "--out", "out")]
    public async Task The_command_refuses_what_is_not_utf_8_and_writes_nothing(string file, params string[] command)
    {
        await File.WriteAllBytesAsync(
            _folder.File(file),
            [.. "text,label\nca"u8, 0xE9, .. ",bug\n"u8],
            TestContext.Current.CancellationToken
        );

        var message = (await Lightning.RunAsync(_folder.Path, command)).Failed(2);

        Assert.Contains("line 2, byte 3", message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.File("out")));
    }

    private string Path => _folder.File("data.csv");

    private void Write(string content, Encoding encoding) => File.WriteAllText(Path, content, encoding);

    private string Refused(string? content = null)
    {
        var error = Assert.Throws<LightningException>(() => Texts(content));
        Assert.Equal(ErrorKind.Invalid, error.Kind);
        return error.Message;
    }

    private List<string> Texts(string? content = null, string? encoding = null, char? delimiter = null)
    {
        if (content is not null)
        {
            File.WriteAllText(Path, content);
        }

        return [.. new LabelledCsv(Path, ["text"], "label", null, false, encoding, delimiter).Read().Select(item => item.Task.Comment)];
    }
}
