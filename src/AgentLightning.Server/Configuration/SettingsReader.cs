using AgentLightning.Common;
using AgentLightning.Datasets;
using Microsoft.Extensions.Configuration;

namespace AgentLightning.Server.Configuration;

/// <summary>Puts the options together: command line over environment over <c>lightning.json</c> over defaults.</summary>
public static class SettingsReader
{
    /// <summary>The file that is read in the current folder when it is there.</summary>
    public const string FileName = "lightning.json";

    private const string Prefix = "LIGHTNING_";

    /// <summary>Short names, by which data sets were set up before there were sections.</summary>
    private static readonly Dictionary<string, string> s_shortNames = new(StringComparer.Ordinal)
    {
        ["LIGHTNING_TRAIN_SPLIT"] = "datasets:train_split",
        ["LIGHTNING_MIN_REWARD"] = "datasets:min_reward",
        ["LIGHTNING_MAX_EXAMPLES"] = "datasets:max_examples",
        ["LIGHTNING_INCLUDE_TOOLS"] = "datasets:include_tools",
        ["LIGHTNING_SYSTEM_PROMPT"] = "datasets:system_prompt",
    };

    /// <summary>
    /// Reads every source and reports everything that is wrong at once, as <see cref="ErrorKind.Invalid"/>. Nothing is opened or made.
    /// </summary>
    /// <param name="file">The file; a file that was named must be there.</param>
    /// <param name="named">Whether somebody named the file.</param>
    /// <param name="environment">The environment's variables.</param>
    /// <param name="arguments">What the command line says, by key.</param>
    public static LightningServerOptions Read(
        string file,
        bool named,
        IEnumerable<KeyValuePair<string, string?>> environment,
        IEnumerable<KeyValuePair<string, string?>> arguments
    )
    {
        var mistakes = new List<string>();
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(Defaults())
            .AddInMemoryCollection(OfFile(file, named, mistakes))
            .AddInMemoryCollection(OfEnvironment(environment, mistakes))
            .AddInMemoryCollection(
                arguments.Where(pair => pair.Value is not null).Select(pair => KeyValuePair.Create(pair.Key.Replace('.', ':'), pair.Value))
            )
            .Build();
        mistakes.AddRange(
            SettingTable
                .All.Where(setting => configuration[setting.Path] is not null)
                .Select(setting => setting.Mistake(configuration[setting.Path]!))
                .OfType<string>()
        );
        mistakes.AddRange(NamedValues(configuration).Select(value => SettingTable.Find(value.Key)!.Mistake(value.Value!)).OfType<string>());
        if (mistakes.Count > 0)
        {
            // The others are said as well where the values can be understood at all.
            throw LightningException.Invalid(string.Join('\n', mistakes.Concat(Others(configuration))));
        }

        var options = configuration.Get<Settings>()!.ToOptions();
        return options.Mistakes() is { Count: > 0 } wrong ? throw LightningException.Invalid(string.Join('\n', wrong)) : options;
    }

    /// <summary>
    /// What the environment says of data sets, for a command that opens a store itself. What cannot be read is
    /// <see cref="ErrorKind.Invalid"/>.
    /// </summary>
    public static DatasetOptions ReadDatasets(IEnumerable<KeyValuePair<string, string?>> environment)
    {
        const string Section = "datasets:";
        var values = OfEnvironment(environment, [])
            .Where(value => value.Key.StartsWith(Section, StringComparison.OrdinalIgnoreCase))
            .ToList();
        var mistakes = values
            .Select(value =>
                SettingTable.All.Single(setting => setting.Path.Equals(value.Key, StringComparison.OrdinalIgnoreCase)).Mistake(value.Value!)
            )
            .OfType<string>()
            .ToList();
        return mistakes.Count > 0
            ? throw LightningException.Invalid(string.Join('\n', mistakes))
            : new ConfigurationBuilder()
                .AddInMemoryCollection(Defaults())
                .AddInMemoryCollection(values)
                .Build()
                .Get<Settings>()!
                .Datasets.ToOptions();
    }

    private static IEnumerable<KeyValuePair<string, string?>> Defaults()
    {
        var settings = new LightningServerOptions().ToSettings();
        return SettingTable.All.Select(setting =>
            KeyValuePair.Create(
                setting.Path,
                (string?)Convert.ToString(setting.Get(settings), System.Globalization.CultureInfo.InvariantCulture)
            )
        );
    }

    /// <summary>What is set of things that have names.</summary>
    private static IEnumerable<KeyValuePair<string, string?>> NamedValues(IConfigurationRoot configuration) =>
        SettingTable.Named.SelectMany(section =>
            configuration
                .GetSection(section.Key.Replace('.', ':'))
                .AsEnumerable()
                .Where(value => value.Value is not null && SettingTable.Find(value.Key) is not null)
        );

    /// <summary>What is wrong beside values that cannot be read, which take their defaults here.</summary>
    private static IReadOnlyList<string> Others(IConfigurationRoot configuration)
    {
        foreach (
            var setting in SettingTable.All.Where(setting => configuration[setting.Path] is { } value && setting.Mistake(value) is not null)
        )
        {
            configuration[setting.Path] = setting.Default;
        }

        foreach (var (path, value) in NamedValues(configuration).ToList())
        {
            var setting = SettingTable.Find(path)!;
            configuration[path] =
                setting.Mistake(value!) is null ? value
                : setting.Default == "none" ? ""
                : setting.Default;
        }

        return configuration.Get<Settings>()!.ToOptions().Mistakes();
    }

    private static Dictionary<string, string?> OfFile(string file, bool named, List<string> mistakes)
    {
        var values = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        if (!File.Exists(file))
        {
            if (named)
            {
                mistakes.Add($"There is no configuration file '{file}'.");
            }

            return values;
        }

        try
        {
            var configuration = new ConfigurationBuilder()
                .AddJsonFile(Path.GetFullPath(file), optional: false, reloadOnChange: false)
                .Build();
            foreach (var section in configuration.GetChildren())
            {
                Take(section, file, values, mistakes);
            }
        }
        catch (Exception e) when (e is InvalidDataException or FormatException or IOException or UnauthorizedAccessException)
        {
            mistakes.Add($"'{file}' cannot be read as JSON: {(e.InnerException ?? e).Message}");
        }

        return values;
    }

    /// <summary>A mistyped key would be a setting that silently is not set.</summary>
    private static void Take(IConfigurationSection section, string file, Dictionary<string, string?> values, List<string> mistakes)
    {
        var key = section.Path.Replace(':', '.');
        var children = section.GetChildren().ToList();
        if (SettingTable.Find(section.Path) is not null)
        {
            if (children.Count > 0 || section.Value is null)
            {
                mistakes.Add($"'{file}' sets '{key}' to {(children.Count > 0 ? "an object or a list" : "null")}; it takes one value.");
            }
            else
            {
                values[section.Path] = section.Value;
            }
        }
        else if (IsSection(section.Path) && (children.Count > 0 || string.IsNullOrEmpty(section.Value)))
        {
            children.ForEach(child => Take(child, file, values, mistakes));
        }
        else
        {
            mistakes.Add($"'{file}' sets '{key}', which is no setting.{Hint(key)}");
        }
    }

    /// <summary>Other variables that begin so are not the server's, but those of its sections are.</summary>
    private static Dictionary<string, string?> OfEnvironment(IEnumerable<KeyValuePair<string, string?>> environment, List<string> mistakes)
    {
        var values = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (var (given, value) in environment)
        {
            // The one variable of the server that has no prefix, as programs know it that came before.
            var name = given == "USE_TUNED_MODEL" ? Prefix + given : given;
            if (!name.StartsWith(Prefix, StringComparison.Ordinal) || string.IsNullOrEmpty(value))
            {
                continue;
            }

            var path = name[Prefix.Length..].Replace("__", ":", StringComparison.Ordinal);
            if (SettingTable.All.FirstOrDefault(setting => setting.Variable == name) is { } setting)
            {
                values[setting.Path] = value;
            }
            else if (s_shortNames.TryGetValue(name, out var meant))
            {
                // A variable of the section, which says more clearly what it is, counts more.
                values.TryAdd(meant, value);
            }
            else if (SettingTable.Find(path) is { IsNamed: true })
            {
                values[path] = value;
            }
            else if (path.Contains(':', StringComparison.Ordinal) && IsSection(path.Split(':')[0]))
            {
                mistakes.Add($"{name} is no setting.{NearNames.Hint(name, SettingTable.All.Select(known => known.Variable))}");
            }
        }

        return values;
    }

    private static string Hint(string key)
    {
        var keys = SettingTable
            .All.Concat(SettingTable.Named.SelectMany(section => section.Near(key.Replace('.', ':'))))
            .Select(setting => setting.Key)
            .ToList();
        return NearNames.Of(key, keys) is { Count: > 0 } near ? $" Did you mean {string.Join(" or ", near)}?"
            : NearNames.Hint(key.Split('.')[^1], keys.Select(known => known.Split('.')[^1])) is { Length: > 0 } hint ? hint
            : $" The settings are {string.Join(", ", keys)}.";
    }

    private static bool IsSection(string path) =>
        SettingTable.All.Any(setting => setting.Path.StartsWith(path + ":", StringComparison.OrdinalIgnoreCase))
        || SettingTable.Named.Any(section => section.IsSection(path));
}
