using AgentLightning.Common;
using Microsoft.Extensions.Configuration;

namespace AgentLightning.Server.Configuration;

/// <summary>Puts the options together: command line over environment over <c>lightning.json</c> over defaults.</summary>
public static class ServerConfiguration
{
    /// <summary>The file that is read in the current folder when it is there.</summary>
    public const string FileName = "lightning.json";

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
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        ReadFile(file, named, values, mistakes);
        // Other variables that begin so are not the server's.
        var variables = environment.ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);
        foreach (var setting in ServerSettings.All.Where(setting => variables.GetValueOrDefault(setting.Variable) is { Length: > 0 }))
        {
            values[setting.Key] = variables[setting.Variable]!;
        }

        foreach (var (key, value) in arguments.Where(pair => pair.Value is not null))
        {
            values[key] = value!;
        }

        var options = new LightningServerOptions();
        foreach (var setting in ServerSettings.All.Where(setting => values.ContainsKey(setting.Key)))
        {
            if (setting.Set(options, values[setting.Key]) is { } set)
            {
                options = set;
            }
            else
            {
                mistakes.Add(setting.Complaint(values[setting.Key]));
            }
        }

        mistakes.AddRange(options.Mistakes());
        return mistakes.Count == 0 ? options : throw LightningException.Invalid(string.Join('\n', mistakes));
    }

    private static void ReadFile(string file, bool named, Dictionary<string, string> values, List<string> mistakes)
    {
        if (!File.Exists(file))
        {
            if (named)
            {
                mistakes.Add($"There is no configuration file '{file}'.");
            }

            return;
        }

        IConfigurationRoot configuration;
        try
        {
            configuration = new ConfigurationBuilder().AddJsonFile(Path.GetFullPath(file), optional: false, reloadOnChange: false).Build();
        }
        catch (Exception e) when (e is InvalidDataException or FormatException or IOException or UnauthorizedAccessException)
        {
            mistakes.Add($"'{file}' cannot be read as JSON: {(e.InnerException ?? e).Message}");
            return;
        }

        foreach (var section in configuration.GetChildren())
        {
            // A mistyped key would be a setting that silently is not set.
            if (section.Value is null || !ServerSettings.All.Any(setting => setting.Key == section.Key))
            {
                mistakes.Add(
                    $"'{file}' sets '{section.Key}', which is no setting. The settings are "
                        + $"{string.Join(", ", ServerSettings.All.Select(setting => setting.Key))}."
                );
            }
            else
            {
                values[section.Key] = section.Value;
            }
        }
    }
}
