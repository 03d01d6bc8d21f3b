using System.CommandLine;
using System.Numerics;
using System.Text.RegularExpressions;
using AgentLightning.Cli.Commands;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

public sealed partial class NumberOptionTests
{
    /// <summary>Every option of every command that takes a number: the command, and the option.</summary>
    public static TheoryData<string, string> NumericOptions
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var (path, command) in CommandTree.Commands())
            {
                foreach (var option in command.Options.Where(option => IsNumber(option.ValueType)))
                {
                    data.Add(path, option.Name);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(NumericOptions))]
    public void A_number_with_a_comma_is_refused_by_every_option(string path, string option)
    {
        foreach (var text in (string[])["0,7", "1,000", "1,5e3", "-0,1", "1.000,5", " 1", "0x10", "NaN", "∞", "1e999", "many"])
        {
            Assert.Contains(CommandTree.Parse(path, option, text).Errors, error =>
                error.Message.Contains($"{option} must be", StringComparison.Ordinal)
            );
        }
    }

    [Theory]
    [MemberData(nameof(NumericOptions))]
    public void A_number_in_the_invariant_form_is_taken_by_every_option(string path, string option)
    {
        foreach (var text in (string[])["1", "-1", "+2"])
        {
            Assert.DoesNotContain(CommandTree.Parse(path, option, text).Errors, error =>
                error.Message.Contains(option, StringComparison.Ordinal)
            );
        }
    }

    [Theory]
    [InlineData("label-episode", "--reward", "0,1", "--reward must be a number such as 0.1, but it is '0,1': write 0.1, with a point.")]
    [InlineData("model generate", "--temperature", "0,7", "write 0.7, with a point")]
    [InlineData("model dpo", "--beta", "1,000", "write 1.000 where the comma is a decimal point, 1000 where it stands between thousands")]
    [InlineData("episodes list", "--limit", "1,000", "write 1000, without a comma")]
    [InlineData("episodes list", "--limit", "0,7", "--limit must be a whole number from -2147483648 to 2147483647, but it is '0,7'.")]
    [InlineData("demo", "--seed", "99999999999999999999", "a whole number from -9223372036854775808 to 9223372036854775807")]
    public void What_was_meant_is_shown(string path, string option, string text, string message) =>
        Assert.Contains(CommandTree.Parse(path, option, text).Errors, error => error.Message.Contains(message, StringComparison.Ordinal));

    [Fact]
    public async Task A_machine_with_decimal_commas_reads_numbers_as_any_other()
    {
        using var folder = new TemporaryFolder();
        string[] command = ["label-episode", "--store", "none.db", "--episode-id", "e1", "--reward"];
        (string, string)[] german = [("LC_ALL", "de_DE.UTF-8"), ("LANG", "de_DE.UTF-8")];

        var comma = await Lightning.RunAsync(folder.Path, "", [.. command, "0,1"], german);
        var point = await Lightning.RunAsync(folder.Path, "", [.. command, "0.1"], german);

        Assert.Contains("write 0.1, with a point", comma.Failed(2), StringComparison.Ordinal);
        Assert.DoesNotContain("--reward", point.Failed(1), StringComparison.Ordinal);
    }

    /// <summary>The library's own default takes commas between thousands, wherever they stand.</summary>
    [Fact]
    public void No_code_reads_a_number_with_a_part_without_saying_which_form_it_takes()
    {
        var loose =
            from file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
            from Match call in PartialNumber().Matches(File.ReadAllText(file))
            where !call.Groups["arguments"].Value.Contains("NumberStyles.", StringComparison.Ordinal)
            select $"{Path.GetRelativePath(Repository.Root, file)}: {call.Value}";

        Assert.Empty(loose);
    }

    private static bool IsNumber(Type type) =>
        (Nullable.GetUnderlyingType(type) ?? type.GetElementType() ?? type)
            .GetInterfaces()
            .Any(face => face.IsGenericType && face.GetGenericTypeDefinition() == typeof(INumber<>));

    [GeneratedRegex(@"\b(?:double|float|decimal|Half)\.(?:Try)?Parse\((?<arguments>(?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)")]
    private static partial Regex PartialNumber();
}
