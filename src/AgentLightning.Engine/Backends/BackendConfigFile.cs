using System.Text;
using AgentLightning.Common;

namespace AgentLightning.Engine.Backends;

/// <summary>
/// Finds and reads <c>config.toml</c>: the tables <c>[midori_ai_agent_base]</c>, <c>.reasoning_effort</c>, <c>.openai</c>,
/// <c>.huggingface</c> and <c>.langchain</c> below it.
/// </summary>
internal sealed class BackendConfigFile
{
    public const string Name = "config.toml",
        Root = "midori_ai_agent_base";
    private const int Levels = 5;
    private readonly string _path;
    private readonly Func<string, string?> _environment;
    private readonly Dictionary<string, TomlValue> _left;
    private readonly List<string> _warnings = [];

    private BackendConfigFile(string path, Func<string, string?> environment)
    {
        (_path, _environment) = (path, environment);
        _left = TomlValues
            .Parse(path, File.ReadAllText(path))
            .Where(pair => pair.Key.StartsWith(Root + ".", StringComparison.Ordinal))
            .ToDictionary(pair => pair.Key[(Root.Length + 1)..], pair => pair.Value);
    }

    /// <summary>The file in a folder or the nearest above it, five folders in all; null when there is none.</summary>
    public static string? Find(string folder)
    {
        var at = new DirectoryInfo(folder);
        for (var level = 0; level < Levels && at is not null; level++, at = at.Parent)
        {
            if (Path.Combine(at.FullName, Name) is var path && File.Exists(path))
            {
                return path;
            }
        }

        return null;
    }

    /// <summary>Null when the file has no table for chat back ends.</summary>
    /// <exception cref="LightningException">It is not TOML, or a value is of the wrong kind; the message names the line.</exception>
    public static BackendConfig? Read(string path, Func<string, string?> environment)
    {
        var file = new BackendConfigFile(path, environment);
        if (file._left.Count == 0)
        {
            return null;
        }

        var general = file.Section("") with
        {
            Effort = file.Word("reasoning_effort.effort", "none", "minimal", "low", "medium", "high"),
            Summary = (
                file.Word("reasoning_effort.generate_summary", "auto", "concise", "detailed")
                ?? file.Word("reasoning_effort.summary", "auto", "concise", "detailed")
            )
                is null
                ? null
                : true,
        };
        var config = new BackendConfig
        {
            Path = path,
            Backend = file.Text("backend"),
            General = general,
            Backends = BackendSettings.Backends.ToDictionary(backend => backend, backend => file.Section(backend + ".")),
        };
        file._warnings.AddRange(
            file._left.Select(pair => $"{path}, line {pair.Value.Line}: '{Root}.{pair.Key}' is not known and has no effect.")
        );
        return config with { Warnings = file._warnings };
    }

    private BackendConfigSection Section(string prefix) =>
        new()
        {
            Model = Text(prefix + "model"),
            ApiKey = Text(prefix + "api_key"),
            BaseUrl = Text(prefix + "base_url"),
            Temperature = Number(prefix + "temperature", 0, 2),
            MaxTokens = (int?)(Whole(prefix + "max_tokens") ?? Whole(prefix + "max_new_tokens")),
            Device = Word(prefix + "device", "auto", "cpu", "cuda", "mps"),
            Type = Word(prefix + "torch_dtype", "auto", "float32", "bfloat16", "float16"),
            Quantized = Flag(prefix + "load_in_8bit") | Flag(prefix + "load_in_4bit"),
        };

    private string? Text(string key) =>
        Take(key) switch
        {
            null => null,
            { Value: string text } value => Expand(key, text, value.Line),
            { } other => throw Wrong(key, other, "a text in quotes"),
        };

    private string? Word(string key, params string[] known)
    {
        var line = _left.GetValueOrDefault(key).Line;
        var word = Text(key);
        return word is null || known.Contains(word) ? word : throw Wrong(key, new TomlValue($"'{word}'", line), string.Join(", ", known));
    }

    private double? Number(string key, double least, double most) =>
        Take(key) switch
        {
            null => null,
            { Value: double or long } value
                when Convert.ToDouble(value.Value, System.Globalization.CultureInfo.InvariantCulture) is var number
                    && number >= least
                    && number <= most => number,
            { } other => throw Wrong(key, other, $"a number from {least} to {most}"),
        };

    private long? Whole(string key) =>
        Take(key) switch
        {
            null => null,
            { Value: long and >= 1 and <= int.MaxValue } value => (long)value.Value,
            { } other => throw Wrong(key, other, "a whole number of at least 1"),
        };

    private bool Flag(string key) =>
        Take(key) switch
        {
            null => false,
            { Value: bool flag } => flag,
            { } other => throw Wrong(key, other, "true or false"),
        };

    private TomlValue? Take(string key) => _left.Remove(key, out var value) ? value : null;

    /// <summary>
    /// Puts in the values of <c>${VARIABLE}</c>; <c>$$</c> is a dollar. A text with a variable that is not set counts as not written.
    /// </summary>
    private string? Expand(string key, string text, int line)
    {
        var expanded = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '$' && i + 1 < text.Length && text[i + 1] == '$')
            {
                expanded.Append(text[i++]);
            }
            else if (text[i] == '$' && i + 1 < text.Length && text[i + 1] == '{')
            {
                var end = text.IndexOf('}', i);
                var name = end < 0 ? "" : text[(i + 2)..end];
                if (name.Length == 0 || !name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_'))
                {
                    throw LightningException.Invalid(
                        $"{_path}, line {line}: '{Root}.{key}' holds a '${{' without a name of a variable and '}}'; a dollar itself is "
                            + $"'$$'."
                    );
                }

                if (_environment(name) is not { Length: > 0 } value)
                {
                    _warnings.Add(
                        $"{_path}, line {line}: '{Root}.{key}' needs the environment variable {name}, which is not set, and is left out."
                    );
                    return null;
                }

                expanded.Append(value);
                i = end;
            }
            else
            {
                expanded.Append(text[i]);
            }
        }

        return expanded.Length == 0 ? null : expanded.ToString();
    }

    /// <summary>Without the value of anything that may be a key.</summary>
    private LightningException Wrong(string key, TomlValue seen, string expected)
    {
        var but = key.EndsWith("key", StringComparison.Ordinal) ? "" : $", but it is {seen.Value}";
        return LightningException.Invalid($"{_path}, line {seen.Line}: '{Root}.{key}' must be {expected}{but}.");
    }
}
