/** @file Countries with one capital, one continent, one currency and one official language that nobody disputes; the others are left out. */

export interface Country {
  readonly name: string;
  readonly capital: string;
  readonly continent: string;
  readonly currency: string;
  /** An official language; there may be more. */
  readonly language: string;
}

const TABLE = `
Albania|Tirana|Europe|lek|Albanian
Andorra|Andorra la Vella|Europe|euro|Catalan
Austria|Vienna|Europe|euro|German
Belarus|Minsk|Europe|ruble|Belarusian
Belgium|Brussels|Europe|euro|Dutch
Croatia|Zagreb|Europe|euro|Croatian
Czechia|Prague|Europe|koruna|Czech
Denmark|Copenhagen|Europe|krone|Danish
Estonia|Tallinn|Europe|euro|Estonian
Finland|Helsinki|Europe|euro|Finnish
France|Paris|Europe|euro|French
Germany|Berlin|Europe|euro|German
Greece|Athens|Europe|euro|Greek
Hungary|Budapest|Europe|forint|Hungarian
Iceland|Reykjavik|Europe|krona|Icelandic
Ireland|Dublin|Europe|euro|English
Italy|Rome|Europe|euro|Italian
Latvia|Riga|Europe|euro|Latvian
Lithuania|Vilnius|Europe|euro|Lithuanian
Malta|Valletta|Europe|euro|Maltese
Moldova|Chisinau|Europe|leu|Romanian
Montenegro|Podgorica|Europe|euro|Montenegrin
North Macedonia|Skopje|Europe|denar|Macedonian
Norway|Oslo|Europe|krone|Norwegian
Poland|Warsaw|Europe|zloty|Polish
Portugal|Lisbon|Europe|euro|Portuguese
Romania|Bucharest|Europe|leu|Romanian
Serbia|Belgrade|Europe|dinar|Serbian
Slovakia|Bratislava|Europe|euro|Slovak
Slovenia|Ljubljana|Europe|euro|Slovene
Spain|Madrid|Europe|euro|Spanish
Sweden|Stockholm|Europe|krona|Swedish
Ukraine|Kyiv|Europe|hryvnia|Ukrainian
the United Kingdom|London|Europe|pound|English
Afghanistan|Kabul|Asia|afghani|Pashto
Bangladesh|Dhaka|Asia|taka|Bengali
Bhutan|Thimphu|Asia|ngultrum|Dzongkha
Cambodia|Phnom Penh|Asia|riel|Khmer
China|Beijing|Asia|yuan|Mandarin
India|New Delhi|Asia|rupee|Hindi
Iran|Tehran|Asia|rial|Persian
Iraq|Baghdad|Asia|dinar|Arabic
Japan|Tokyo|Asia|yen|Japanese
Jordan|Amman|Asia|dinar|Arabic
Kyrgyzstan|Bishkek|Asia|som|Kyrgyz
Laos|Vientiane|Asia|kip|Lao
Lebanon|Beirut|Asia|pound|Arabic
Malaysia|Kuala Lumpur|Asia|ringgit|Malay
Mongolia|Ulaanbaatar|Asia|tugrik|Mongolian
Nepal|Kathmandu|Asia|rupee|Nepali
North Korea|Pyongyang|Asia|won|Korean
Oman|Muscat|Asia|rial|Arabic
Pakistan|Islamabad|Asia|rupee|Urdu
Qatar|Doha|Asia|riyal|Arabic
Saudi Arabia|Riyadh|Asia|riyal|Arabic
South Korea|Seoul|Asia|won|Korean
Syria|Damascus|Asia|pound|Arabic
Tajikistan|Dushanbe|Asia|somoni|Tajik
Thailand|Bangkok|Asia|baht|Thai
Turkmenistan|Ashgabat|Asia|manat|Turkmen
Uzbekistan|Tashkent|Asia|som|Uzbek
Vietnam|Hanoi|Asia|dong|Vietnamese
Algeria|Algiers|Africa|dinar|Arabic
Angola|Luanda|Africa|kwanza|Portuguese
Benin|Porto-Novo|Africa|franc|French
Botswana|Gaborone|Africa|pula|English
Cameroon|Yaounde|Africa|franc|French
Cape Verde|Praia|Africa|escudo|Portuguese
Egypt|Cairo|Africa|pound|Arabic
Eritrea|Asmara|Africa|nakfa|Tigrinya
Ethiopia|Addis Ababa|Africa|birr|Amharic
Gabon|Libreville|Africa|franc|French
Ghana|Accra|Africa|cedi|English
Guinea|Conakry|Africa|franc|French
Kenya|Nairobi|Africa|shilling|Swahili
Lesotho|Maseru|Africa|loti|Sesotho
Liberia|Monrovia|Africa|dollar|English
Libya|Tripoli|Africa|dinar|Arabic
Madagascar|Antananarivo|Africa|ariary|Malagasy
Malawi|Lilongwe|Africa|kwacha|English
Mauritania|Nouakchott|Africa|ouguiya|Arabic
Mauritius|Port Louis|Africa|rupee|English
Morocco|Rabat|Africa|dirham|Arabic
Mozambique|Maputo|Africa|metical|Portuguese
Namibia|Windhoek|Africa|dollar|English
Nigeria|Abuja|Africa|naira|English
Rwanda|Kigali|Africa|franc|Kinyarwanda
Senegal|Dakar|Africa|franc|French
Sierra Leone|Freetown|Africa|leone|English
Somalia|Mogadishu|Africa|shilling|Somali
Sudan|Khartoum|Africa|pound|Arabic
Tanzania|Dodoma|Africa|shilling|Swahili
Togo|Lome|Africa|franc|French
Tunisia|Tunis|Africa|dinar|Arabic
Uganda|Kampala|Africa|shilling|English
Zambia|Lusaka|Africa|kwacha|English
Barbados|Bridgetown|North America|dollar|English
Belize|Belmopan|North America|dollar|English
Canada|Ottawa|North America|dollar|English
Costa Rica|San Jose|North America|colon|Spanish
Cuba|Havana|North America|peso|Spanish
Dominica|Roseau|North America|dollar|English
El Salvador|San Salvador|North America|dollar|Spanish
Haiti|Port-au-Prince|North America|gourde|French
Honduras|Tegucigalpa|North America|lempira|Spanish
Jamaica|Kingston|North America|dollar|English
Mexico|Mexico City|North America|peso|Spanish
Nicaragua|Managua|North America|cordoba|Spanish
Saint Lucia|Castries|North America|dollar|English
the United States|Washington|North America|dollar|English
Argentina|Buenos Aires|South America|peso|Spanish
Brazil|Brasilia|South America|real|Portuguese
Chile|Santiago|South America|peso|Spanish
Colombia|Bogota|South America|peso|Spanish
Ecuador|Quito|South America|dollar|Spanish
Guyana|Georgetown|South America|dollar|English
Paraguay|Asuncion|South America|guarani|Spanish
Peru|Lima|South America|sol|Spanish
Suriname|Paramaribo|South America|dollar|Dutch
Uruguay|Montevideo|South America|peso|Spanish
Venezuela|Caracas|South America|bolivar|Spanish
Australia|Canberra|Oceania|dollar|English
Fiji|Suva|Oceania|dollar|English
New Zealand|Wellington|Oceania|dollar|English
Papua New Guinea|Port Moresby|Oceania|kina|English
Samoa|Apia|Oceania|tala|Samoan
Vanuatu|Port Vila|Oceania|vatu|Bislama`;

export const COUNTRIES: readonly Country[] = TABLE.trim()
  .split('\n')
  .map((line) => {
    const [name = '', capital = '', continent = '', currency = '', language = ''] = line.split('|');
    return { name, capital, continent, currency, language };
  });
