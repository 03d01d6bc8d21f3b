using System.Globalization;

namespace AgentLightning.Server.Configuration;

/// <summary>Settings of things to which the operator gives names, as the upstreams of the gateway: each has the same ones.</summary>
/// <param name="Key">Where the names stand, such as <c>gateway.upstreams</c>.</param>
/// <param name="Settings">Those of each, whose keys hold <see cref="Name"/>.</param>
internal sealed record NamedSection(string Key, IReadOnlyList<ServerSetting> Settings)
{
    /// <summary>Stands for the name in keys.</summary>
    public const string Name = "NAME";

    private string Path => Key.Replace('.', ':');

    /// <summary>The setting at a path of the configuration; null where it is none of this section.</summary>
    public ServerSetting? Find(string path)
    {
        if (Parts(path) is not [var name, var last, .. var rest])
        {
            return null;
        }

        var setting = Settings.FirstOrDefault(setting => setting.Key.EndsWith($".{last}", StringComparison.OrdinalIgnoreCase));
        return setting is not null && rest.Length == (setting.IsMap ? 1 : 0)
            ? setting with
            {
                Key = string.Join('.', [Of(setting, name).Key, .. rest]),
            }
            : null;
    }

    /// <summary>Whether more stands below a path.</summary>
    public bool IsSection(string path) =>
        Parts(path) is { } parts
        && (
            parts.Length <= 1
            || parts.Length == 2
                && Settings.Any(setting => setting.IsMap && setting.Key.EndsWith($".{parts[1]}", StringComparison.OrdinalIgnoreCase))
        );

    /// <summary>The settings as their keys are for the name in a path; none where it is not in this section.</summary>
    public IEnumerable<ServerSetting> Near(string path) =>
        Parts(path) is [var name, ..] ? Settings.Select(setting => Of(setting, name)) : [];

    private static ServerSetting Of(ServerSetting setting, string name) =>
        setting with
        {
            Key = setting.Key.Replace($".{Name}.", string.Create(CultureInfo.InvariantCulture, $".{name}."), StringComparison.Ordinal),
        };

    private string[]? Parts(string path) =>
        path.Equals(Path, StringComparison.OrdinalIgnoreCase) ? []
        : path.StartsWith(Path + ":", StringComparison.OrdinalIgnoreCase) ? path[(Path.Length + 1)..].Split(':')
        : null;
}
