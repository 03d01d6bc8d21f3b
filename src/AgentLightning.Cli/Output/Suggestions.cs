using System.CommandLine;

namespace AgentLightning.Cli.Output;

/// <summary>What somebody may have meant who typed a word that the program does not know.</summary>
internal static class Suggestions
{
    private const int Most = 3;
    private const int ShortestBeginning = 3;

    /// <summary>Commands or options as one types them, the nearest first; none where nothing is near.</summary>
    /// <param name="command">Where the word was typed.</param>
    public static IReadOnlyList<string> For(Command root, Command command, string word)
    {
        if (word.StartsWith('-'))
        {
            return Near(word, OptionsOf(command));
        }

        if (command != root && Near(word, command.Subcommands.Select(child => child.Name)) is { Count: > 0 } here)
        {
            return [.. here.Select(name => $"lightning {string.Join(' ', PathOf(command).Append(name))}")];
        }

        var near = PathsOf(root, [])
            .Select(path => (Text: $"lightning {string.Join(' ', path)}", Distance: path.Min(name => Distance(word, name))))
            .Where(candidate => candidate.Distance <= Farthest(word))
            .ToList();
        // Of a group and its commands the group is enough where its name is what is near.
        return
        [
            .. near.Where(candidate =>
                    !near.Exists(other =>
                        other.Distance <= candidate.Distance && candidate.Text.StartsWith(other.Text + " ", StringComparison.Ordinal)
                    )
                )
                .OrderBy(candidate => candidate.Distance)
                .ThenBy(candidate => candidate.Text, StringComparer.Ordinal)
                .Select(candidate => candidate.Text)
                .Take(Most),
        ];
    }

    /// <summary>Names near a word, the nearest first.</summary>
    public static IReadOnlyList<string> Near(string word, IEnumerable<string> names) =>
        [
            .. names
                .Select(name => (Name: name, Distance: Distance(word, name)))
                .Where(candidate => candidate.Distance <= Farthest(word))
                .OrderBy(candidate => candidate.Distance)
                .Select(candidate => candidate.Name)
                .Take(Most),
        ];

    /// <summary>The words of a command as one types it, without the program's name.</summary>
    public static IEnumerable<string> PathOf(Command command)
    {
        var names = new Stack<string>();
        for (var current = command; current is not RootCommand; current = (Command)current.Parents.First())
        {
            names.Push(current.Name);
        }

        return names;
    }

    private static int Farthest(string word) => word.Length < 5 ? 1 : 2;

    private static IEnumerable<string> OptionsOf(Command command)
    {
        for (var current = command; current is not null; current = current.Parents.OfType<Command>().FirstOrDefault())
        {
            foreach (var option in current.Options.Where(option => !option.Hidden && (current == command || option.Recursive)))
            {
                yield return option.Name;
            }
        }
    }

    private static IEnumerable<string[]> PathsOf(Command command, string[] path) =>
        command.Subcommands.SelectMany(child => PathsOf(child, [.. path, child.Name]).Prepend([.. path, child.Name]));

    /// <summary>0 for the same, 1 where one begins with the other, else how many letters are to be changed, put in or taken out.</summary>
    private static int Distance(string word, string name)
    {
        var (a, b) = (word.TrimStart('-').ToUpperInvariant(), name.TrimStart('-').ToUpperInvariant());
        if (a == b)
        {
            return 0;
        }

        if (
            Math.Min(a.Length, b.Length) >= ShortestBeginning
            && (a.StartsWith(b, StringComparison.Ordinal) || b.StartsWith(a, StringComparison.Ordinal))
        )
        {
            return 1;
        }

        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[b.Length];
    }
}
