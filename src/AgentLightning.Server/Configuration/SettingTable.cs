using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace AgentLightning.Server.Configuration;

/// <summary>One setting.</summary>
/// <param name="Key">Its path in <c>lightning.json</c>, such as <c>retention.days</c>.</param>
/// <param name="Description">What it does, with the unit.</param>
/// <param name="Range">What it may be.</param>
/// <param name="Default">What it is unless said.</param>
public sealed record ServerSetting(string Key, string Description, string Range, string Default)
{
    /// <summary>Its option of <c>lightning serve</c>: the path with dashes, of a limit the name alone.</summary>
    public string Option =>
        "--" + (Key.StartsWith("limits.", StringComparison.Ordinal) ? Key[7..] : Key).Replace('_', '-').Replace('.', '-');

    /// <summary>Its variable in the environment.</summary>
    public string Variable => "LIGHTNING_" + Key.ToUpperInvariant().Replace(".", "__", StringComparison.Ordinal);

    /// <summary>True for a setting that is on when it is named without a value.</summary>
    public bool IsSwitch => Type == typeof(bool);

    /// <summary>True for a secret, which the command line does not take.</summary>
    public bool IsSecret { get; init; }

    internal Type Type { get; init; } = typeof(string);

    /// <summary>Whether it is one of a <see cref="NamedSection"/>, which only the file and the environment can set.</summary>
    internal bool IsNamed { get; init; }

    /// <summary>Whether it is names and values of the operator's.</summary>
    internal bool IsMap => Type == typeof(Dictionary<string, string>);

    internal (IConvertible Least, IConvertible Most)? Bounds { get; init; }

    internal Func<Settings, object> Get { get; init; } = _ => "";

    /// <summary>Its key as the .NET configuration writes it.</summary>
    internal string Path => Key.Replace('.', ':');

    /// <summary>What is wrong with a text as its value; null when nothing is.</summary>
    internal string? Mistake(string value)
    {
        if (Type == typeof(string) || IsMap)
        {
            return null;
        }

        if (Type == typeof(bool))
        {
            return bool.TryParse(value, out _) ? null : Complaint(value);
        }

        var number = double.NaN;
        var isNumber =
            Type == typeof(double)
                ? double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && double.IsFinite(number)
                : long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
                    && (number = whole) == whole;
        var isIn =
            isNumber
            && number >= Bounds!.Value.Least.ToDouble(CultureInfo.InvariantCulture)
            && number <= Bounds.Value.Most.ToDouble(CultureInfo.InvariantCulture);
        return isIn ? null : Complaint(value);
    }

    internal string Complaint(string value) =>
        $"{Place()} must be {Range}, but it is {(IsSecret ? "something else" : $"'{value}'")}.{PointHint(value)}";

    /// <summary>Where it can be set.</summary>
    private string Place() =>
        IsNamed ? Key
        : IsSecret ? $"{Variable} (or {Key} in lightning.json)"
        : $"{Option} ({Variable}, or {Key} in lightning.json)";

    /// <summary>Says how a number is written to who wrote it as many languages do.</summary>
    private string PointHint(string value) =>
        Type == typeof(double)
        && value.Count(c => c == ',') == 1
        && double.TryParse(value.Replace(',', '.'), NumberStyles.Float, CultureInfo.InvariantCulture, out _)
            ? $" Write it with a point: {value.Replace(',', '.')}."
            : "";
}

/// <summary>Everything that can be set for <c>lightning serve</c>, as <see cref="Settings"/> says it.</summary>
public static class SettingTable
{
    public static IReadOnlyList<ServerSetting> All { get; } = [.. Read(typeof(Settings), "", settings => settings)];

    /// <summary>What can be set of things that have names.</summary>
    internal static IReadOnlyList<NamedSection> Named { get; } = [.. ReadNamed(typeof(Settings), "")];

    /// <summary>The setting at a path of the configuration, of a name or not; null where there is none.</summary>
    internal static ServerSetting? Find(string path) =>
        All.FirstOrDefault(setting => setting.Path == path)
        ?? Named.Select(section => section.Find(path)).FirstOrDefault(setting => setting is not null);

    /// <summary>What is wrong with options that were made in code.</summary>
    internal static IReadOnlyList<(ServerSetting Setting, string Text)> Mistakes(LightningServerOptions options)
    {
        var settings = options.ToSettings();
        return
        [
            .. All.Select(setting => (Setting: setting, Text: setting.Mistake(Text(setting.Get(settings)))))
                .Where(mistake => mistake.Text is not null)
                .Select(mistake => (mistake.Setting, mistake.Text!)),
        ];
    }

    private static IEnumerable<ServerSetting> Read(Type type, string prefix, Func<Settings, object> holder)
    {
        foreach (var property in type.GetProperties())
        {
            var key = prefix + property.GetCustomAttribute<ConfigurationKeyNameAttribute>()!.Name;
            Func<Settings, object> get = settings => property.GetValue(holder(settings))!;
            if (property.GetCustomAttribute<SettingAttribute>() is { } setting)
            {
                yield return Read(property, setting, key, get);
            }
            else if (property.PropertyType.Namespace == type.Namespace)
            {
                foreach (var nested in Read(property.PropertyType, key + ".", get))
                {
                    yield return nested;
                }
            }
        }
    }

    private static IEnumerable<NamedSection> ReadNamed(Type type, string prefix)
    {
        foreach (var property in type.GetProperties().Where(property => property.GetCustomAttribute<SettingAttribute>() is null))
        {
            var key = prefix + property.GetCustomAttribute<ConfigurationKeyNameAttribute>()!.Name;
            if (property.PropertyType.IsGenericType)
            {
                var element = property.PropertyType.GetGenericArguments()[1];
                var defaults = Activator.CreateInstance(element)!;
                yield return new NamedSection(
                    key,
                    [
                        .. element
                            .GetProperties()
                            .Select(one =>
                                Read(
                                    one,
                                    one.GetCustomAttribute<SettingAttribute>()!,
                                    $"{key}.{NamedSection.Name}.{one.GetCustomAttribute<ConfigurationKeyNameAttribute>()!.Name}",
                                    _ => one.GetValue(defaults)!
                                ) with
                                {
                                    IsNamed = true,
                                }
                            ),
                    ]
                );
            }
            else
            {
                foreach (var nested in ReadNamed(property.PropertyType, key + "."))
                {
                    yield return nested;
                }
            }
        }
    }

    private static ServerSetting Read(PropertyInfo property, SettingAttribute setting, string key, Func<Settings, object> get)
    {
        var bounds = property.GetCustomAttribute<RangeAttribute>() is { } range ? Bounds(range) : null;
        var text = Text(get(new LightningServerOptions().ToSettings()));
        return new ServerSetting(
            key,
            setting.Description,
            bounds is var (least, most)
                ? $"a {(property.PropertyType == typeof(double) ? "number" : "whole number")} from {Text(least)} to {Text(most)}"
                : setting.Range ?? "true or false",
            text.Length == 0 ? "none" : text
        )
        {
            Type = property.PropertyType,
            Bounds = bounds,
            Get = get,
            IsSecret = setting.Secret,
        };
    }

    private static (IConvertible Least, IConvertible Most)? Bounds(RangeAttribute range) =>
        ((IConvertible)range.Minimum, (IConvertible)range.Maximum);

    private static string Text(object value) =>
        value is Dictionary<string, string> ? ""
        : value is bool on ? (on ? "true" : "false")
        : Convert.ToString(value, CultureInfo.InvariantCulture)!;
}
